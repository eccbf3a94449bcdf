import type { Operation } from './operations.ts'

/**
 * Amazon Bedrock's InvokeModel has one path for everything that a model can do: each family of models has a body of its own, and nothing but
 * its members says what is asked. Their names are all that has to be known of it here; a worker looks at the rest.
 */
export const invokeMembers: readonly string[] = [
  'messages', 'prompt', 'textGenerationConfig', 'inputText', 'inputImage', 'texts', 'inputs', 'images', 'singleEmbeddingParams', 'query', 'documents', 'taskType'
]

/** What `taskType` asks of a model that draws; every other task makes an image of words. */
const imageTasks: ReadonlyMap<string | null, Operation> = new Map([
  ['INPAINTING', 'image_edit'], ['OUTPAINTING', 'image_edit'], ['BACKGROUND_REMOVAL', 'image_edit'], ['VIRTUAL_TRY_ON', 'image_edit'], ['IMAGE_VARIATION', 'image_variation']
])

/**
 * A body with none of these members is taken for a chat: Bedrock itself gets it as it is, and where it would have to be translated, that says what is missing.
 * @param textOf a member; null when it is absent
 */
export function invokeOperationOf (has: (member: string) => boolean, textOf: (member: string) => string | null): Operation {
  if (has('messages')) return 'chat_completion'
  if (has('textGenerationConfig')) return 'text_completion'
  if (has('singleEmbeddingParams') || has('inputText') || has('inputImage') || has('texts') || has('inputs') || has('images')) return 'embedding'
  if (has('taskType')) return imageTasks.get(textOf('taskType')) ?? 'image_generation'
  if (has('query') && has('documents')) return 'rerank'
  return has('prompt') ? 'text_completion' : 'chat_completion'
}
