import type { JsonObject } from '../../api/chat.ts'

/**
 * A body for embeddings or a count of tokens with the model as it goes upstream, where it names one: at the top, in each of `requests`, in
 * `generateContentRequest`. The bytes are the client's own where they say that already.
 */
export function withModel (bytes: Buffer, model: string): { body: Uint8Array, isBatch: boolean } {
  // The front has looked at the body: it is a JSON object.
  const parsed = JSON.parse(bytes.toString('utf8')) as JsonObject
  const { requests, generateContentRequest, generate_content_request: snakeRequest } = parsed
  const holders = [parsed, generateContentRequest, snakeRequest, ...Array.isArray(requests) ? requests : []].filter((holder): holder is JsonObject => typeof holder === 'object' && holder !== null)
  const wrong = holders.filter((holder) => holder['model'] !== undefined && holder['model'] !== model)
  for (const holder of wrong) holder['model'] = model
  return { body: wrong.length === 0 ? bytes : Buffer.from(JSON.stringify(parsed)), isBatch: Array.isArray(requests) }
}
