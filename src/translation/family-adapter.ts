import type { JobFrame } from '../api/job.ts'
import { requestTypeOf } from '../api/operations.ts'
import type { ProviderSettings } from '../api/settings.ts'
import { createUsage } from '../api/usage.ts'
import { GatewayError } from '../errors.ts'
import type { Adapter, AdapterCall, AdapterReply, AdapterRequest, ReplyHeaders, StreamTranslator } from '../providers/adapter.ts'
import { badResponse } from '../providers/bad-response.ts'
import { toUsage } from '../providers/chat-usage.ts'
import type { Family } from '../providers/family.ts'
import { RelayedBytes } from '../providers/relayed-bytes.ts'
import { ChatCall, TokenCountCall } from './conversation-calls.ts'
import { FamilyCall } from './family-call.ts'
import { ImageCall, SpeechCall, TranscriptionCall } from './media-calls.ts'
import { ModelListCall } from './model-list-call.ts'
import { NativeArrayStream, NativeStream } from './native-stream.ts'
import type { AdapterContext } from './translated-call.ts'
import { EmbeddingCall, RerankCall } from './vector-calls.ts'

/** The adapter of a provider that is described as a family. */
export function createFamilyAdapter (family: Family, settings: ProviderSettings, context: AdapterContext): Adapter {
  return {
    open (job: JobFrame): AdapterCall {
      if (job.operation === 'list_models') return new ModelListCall(family, settings, job)
      if (family.isNative(job.dialect, job.operation, job.model, job.body)) return new NativeCall(family, settings, job)
      if (job.passthrough) return new RefusedCall(family, settings, job, `Only its own API goes through to ${settings.name} unread, and this is not it.`)
      switch (job.operation) {
        case 'embedding': return new EmbeddingCall(family, settings, job, context)
        case 'rerank': return new RerankCall(family, settings, job, context)
        case 'count_tokens': return new TokenCountCall(family, settings, job, context)
        case 'chat_completion':
        case 'text_completion':
        case 'responses': return new ChatCall(family, settings, job, context)
        case 'image_generation':
        case 'image_edit':
        case 'image_variation':
        case 'speech':
        case 'transcription':
        case 'translation': return openMedia(family, settings, job, context) ?? new RefusedCall(family, settings, job, toRefusal(job, settings))
        default: return new RefusedCall(family, settings, job, toRefusal(job, settings))
      }
    },
    // What was translated from another answer is no bytes that came.
    isWhole: (job) => job.relay && !family.isNative(job.dialect, job.operation, job.model, job.body)
  }
}

/** @returns null when the provider has no such thing for this model, or the client's dialect no words for it */
function openMedia (family: Family, settings: ProviderSettings, job: JobFrame, context: AdapterContext): AdapterCall | null {
  const { operation, model } = job
  if (job.dialect !== 'openai') return null
  if (operation === 'speech') {
    const speech = family.speech?.(model) ?? null
    return speech === null ? null : new SpeechCall(family, settings, job, speech)
  }
  if (operation === 'transcription' || operation === 'translation') {
    const transcription = family.transcription?.(model) ?? null
    return transcription === null ? null : new TranscriptionCall(family, settings, job, transcription)
  }
  const image = family.image?.(model) ?? null
  return image === null ? null : new ImageCall(family, settings, job, image, context.nowSeconds)
}

function toRefusal ({ operation, stream, relay, dialect, model }: JobFrame, { name }: ProviderSettings): string {
  return `${requestTypeOf(operation, stream && !relay)} of ${model} in the words of ${dialect} is not supported by ${name}.`
}

/** Nothing is sent. */
class RefusedCall extends FamilyCall {
  private readonly message: string

  constructor (family: Family, settings: ProviderSettings, job: JobFrame, message: string) {
    super(family, settings, job)
    this.message = message
  }

  toRequest (): never {
    throw new GatewayError('BIFROST_UNSUPPORTED_OPERATION', { provider: this.settings.name, message: this.message })
  }

  fromReply (): never {
    return this.toRequest()
  }
}

/** The client speaks the provider's own dialect: bytes go through. */
class NativeCall extends FamilyCall {
  toRequest (): AdapterRequest | Promise<AdapterRequest> {
    const { url, headers, body } = this.family.toNativeRequest(this.job)
    return this.authorized(url, headers, body)
  }

  fromReply (body: Uint8Array, headers: ReplyHeaders): AdapterReply {
    const usage = createUsage()
    const answer = this.parse(body)
    if (this.job.operation === 'chat_completion' && (typeof answer !== 'object' || answer === null || Array.isArray(answer))) throw badResponse(this.settings.name, 'no object')
    const found = this.family.toUsage(answer, this.job.operation, headers)
    if (found !== null) toUsage(found, usage)
    return { body, usage, spliceOffset: -1, extraFields: '' }
  }

  override createStreamTranslator (): StreamTranslator {
    if (this.job.relay) return new RelayedBytes()
    const decoder = this.family.createNativeDecoder?.(this.job.dialect) ?? this.family.chat(this.job.model)?.createChatDecoder(null)
    if (decoder === undefined) return super.createStreamTranslator()
    return this.job.jsonArray ? new NativeArrayStream(decoder) : new NativeStream(decoder)
  }
}
