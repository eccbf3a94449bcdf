import type { ProviderSettings } from '../../api/settings.ts'
import type { JobFrame } from '../../api/job.ts'
import type { ChatProvider, Family, TranslationContext } from '../family.ts'
import type { RoleWorld } from './assume-role.ts'
import { BedrockAuthorizer } from './auth.ts'
import { BedrockChatDecoder } from './chat-decoder.ts'
import { fromConverseReply } from './chat-reply.ts'
import { toConverseBody } from './chat-request.ts'
import { embeddingOf } from './embedding.ts'
import { urlOf } from './endpoint.ts'
import type { Action } from './endpoint.ts'
import { toBedrockError, toEmbeddedError } from './errors.ts'
import { imageOf } from './images.ts'
import { InvokeDecoder } from './invoke-decoder.ts'
import { toInvokeUsage } from './invoke-usage.ts'
import { fetchedTypes } from './media.ts'
import { rerankOf } from './rerank.ts'
import { tokenCounterOf } from './token-count.ts'

export const toWorld = (fetch: RoleWorld['fetch']): RoleWorld => ({ fetch, nowMs: () => Date.now() })

/** Amazon Bedrock: chat by Converse, embeddings, ranking and images by InvokeModel. */
export function createBedrockFamily (settings: ProviderSettings, world: RoleWorld = toWorld(globalThis.fetch)): Family {
  const { name } = settings
  const authorizer = new BedrockAuthorizer(settings, world)
  const urlFor = (action: Action) => ({ keyIndex, model }: TranslationContext): URL => urlOf(settings, keyIndex, model, action)
  const chat: ChatProvider = {
    toChatRequest: (request, context) => ({ url: urlFor(toChatAction(context.stream))(context), body: { ...toConverseBody(request, context) } }),
    fromChatReply: (body) => fromConverseReply(name, body),
    createChatDecoder: () => new BedrockChatDecoder(name)
  }
  const counter = tokenCounterOf(name, urlFor('count-tokens'))
  return {
    streamFraming: () => 'event-stream',
    // A body for InvokeModel is the model's own affair.
    isNative: (dialect, operation) => dialect === 'invoke' || (dialect === 'bedrock' && (operation === 'chat_completion' || operation === 'count_tokens')),
    toNativeRequest: (job: JobFrame) => ({ url: urlOf(settings, job.keyIndex, job.model, toNativeAction(job)), body: job.body }),
    createNativeDecoder: (dialect) => dialect === 'invoke' ? new InvokeDecoder(name) : undefined,
    chat: () => chat,
    embedding: (model) => embeddingOf(name, model, urlFor('invoke')),
    rerank: (model) => rerankOf(name, model, urlFor('invoke')),
    tokenCounter: () => counter,
    image: (model) => imageOf(name, model, urlFor('invoke')),
    fetchedTypes,
    toUsage (body, _operation, headers = {}) {
      const error = toEmbeddedError(name, body)
      if (error !== null) throw error
      return toInvokeUsage(body, headers)
    },
    authorize: (request, keyIndex) => authorizer.authorize(request, keyIndex),
    toError: (status, headers, body) => toBedrockError(name, status, headers, body)
  }
}

function toNativeAction ({ dialect, operation, stream }: JobFrame): Action {
  if (dialect === 'invoke') return stream ? 'invoke-with-response-stream' : 'invoke'
  return operation === 'count_tokens' ? 'count-tokens' : toChatAction(stream)
}

function toChatAction (stream: boolean): Action {
  return stream ? 'converse-stream' : 'converse'
}
