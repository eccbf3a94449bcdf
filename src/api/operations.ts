/**
 * What a client can ask for, one name per upstream endpoint. The values are the
 * `request_type` names that Bifrost users see in `extra_fields`, headers, logs and metrics.
 */
export const operations = [
  'chat_completion', 'text_completion', 'embedding', 'responses', 'rerank', 'count_tokens',
  'image_generation', 'image_edit', 'image_variation', 'speech', 'transcription', 'translation', 'moderation',
  'file_upload', 'file_list', 'file_retrieve', 'file_content', 'file_delete',
  'batch_create', 'batch_list', 'batch_retrieve', 'batch_results', 'batch_cancel', 'batch_delete',
  // The gateway's own question: see `ModelCatalog`.
  'list_models'
] as const

export type Operation = (typeof operations)[number]

const resources: ReadonlySet<Operation> = new Set([
  'file_upload', 'file_list', 'file_retrieve', 'file_content', 'file_delete',
  'batch_create', 'batch_list', 'batch_retrieve', 'batch_results', 'batch_cancel', 'batch_delete'
])

/** It is about something that the provider keeps for an account: no model is named, and which key is used decides what is found. */
export function isResource (operation: Operation): boolean {
  return resources.has(operation)
}

const streamTypes: ReadonlyMap<Operation, string> = new Map(operations.map((operation) => [operation, `${operation}_stream`]))

/** `request_type` as users see it: streams have a name of their own, and so has what goes through unread. */
export function requestTypeOf (operation: Operation, stream: boolean, isPassthrough = false): string {
  if (isPassthrough) return stream ? 'passthrough_stream' : 'passthrough'
  return stream ? streamTypes.get(operation) as string : operation
}
