import type { StreamFraming } from '../../api/framing.ts'
import type { JobFrame } from '../../api/job.ts'
import type { Operation } from '../../api/operations.ts'
import { noUsage } from '../../api/usage.ts'
import type { GatewayError } from '../../errors.ts'
import type { AdapterCall, AdapterReply, AdapterRequest, ReplyHeaders, StreamTranslator } from '../adapter.ts'
import { RelayedBytes } from '../relayed-bytes.ts'
import { contentTypeOf } from '../reply-headers.ts'
import { OpenAiMediaStream } from './media-stream.ts'
import { fromOpenAiReply } from './reply.ts'
import { OpenAiStream } from './stream.ts'

const mediaOperations: ReadonlySet<Operation> = new Set(['image_generation', 'image_edit', 'speech', 'transcription'])

/**
 * One job of an OpenAI client in OpenAI's words: its answer goes on as it came, with `extra_fields` where those have a place. A class, since nearly
 * every request comes through here: an object of functions of its own costs 5 us each time.
 */
export abstract class OpenAiCall implements AdapterCall {
  protected readonly provider: string
  protected readonly job: JobFrame

  constructor (provider: string, job: JobFrame) {
    this.provider = provider
    this.job = job
  }

  abstract toRequest (): AdapterRequest | Promise<AdapterRequest>
  abstract fromErrorReply (status: number, headers: ReplyHeaders, body: Uint8Array): GatewayError

  get streamFraming (): StreamFraming { return this.job.relay ? 'bytes' : 'sse' }

  fromReply (body: Uint8Array, headers: ReplyHeaders): AdapterReply {
    const { provider, job } = this
    if (job.operation === 'transcription' || job.operation === 'translation') {
      const contentType = contentTypeOf(headers)
      // Transcripts may be plain text or subtitles.
      if (contentType.startsWith('text/') && !contentType.startsWith('text/html')) return { body, contentType, usage: noUsage, spliceOffset: -1, extraFields: '' }
    }
    const reply = fromOpenAiReply(provider, job, body)
    if (job.passthrough) reply.spliceOffset = -1
    return reply
  }

  createStreamTranslator (): StreamTranslator {
    const { provider, job } = this
    if (job.relay) return new RelayedBytes()
    return mediaOperations.has(job.operation) ? new OpenAiMediaStream(provider) : new OpenAiStream(provider, job)
  }
}
