import { GatewayError } from '../errors.ts'
import type { Operation } from './operations.ts'

/**
 * Amazon Bedrock's InvokeModel has one path for everything that a model can do: each family of models has a body of its own, and nothing but
 * its members says what is asked. Their names are all that has to be known of it here; a worker looks at the rest.
 */
export const invokeMembers: readonly string[] = [
  'messages', 'prompt', 'textGenerationConfig', 'inputText', 'inputImage', 'texts', 'inputs', 'images', 'singleEmbeddingParams', 'query', 'documents', 'taskType'
]

/**
 * A body with none of these members is taken for a chat: Bedrock itself gets it as it is, and where it would have to be translated, that says what is missing.
 * @throws GatewayError BIFROST_INVALID_REQUEST for images
 */
export function invokeOperationOf (has: (member: string) => boolean): Operation {
  if (has('messages')) return 'chat_completion'
  if (has('textGenerationConfig')) return 'text_completion'
  if (has('singleEmbeddingParams') || has('inputText') || has('inputImage') || has('texts') || has('inputs') || has('images')) return 'embedding'
  if (has('taskType')) throw new GatewayError('BIFROST_INVALID_REQUEST', { param: 'taskType', message: 'taskType is that of an image, which this path does not serve; it serves chat, text completions, embeddings and ranking.' })
  if (has('query') && has('documents')) return 'rerank'
  return has('prompt') ? 'text_completion' : 'chat_completion'
}
