/**
 * What a client can ask for, one name per upstream endpoint. The values are the
 * `request_type` names that Bifrost users see in `extra_fields`, headers, logs and metrics.
 */
export const operations = ['chat_completion', 'text_completion', 'embedding', 'responses', 'rerank', 'count_tokens'] as const

export type Operation = (typeof operations)[number]

/** `request_type` as users see it: streams have a name of their own. */
export function requestTypeOf (operation: Operation, stream: boolean): string {
  return stream ? `${operation}_stream` : operation
}
