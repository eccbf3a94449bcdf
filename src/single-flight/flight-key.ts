import { createHash } from 'node:crypto'
import type { GatewayRequest } from '../api/client.ts'

/** Larger bodies are not compared, in bytes: hashing one holds up every other request, and they are hardly ever sent twice at once. */
export const bodyBytesMax = 1024 * 1024

/** All of the gateway's own headers count, what goes upstream (`x-bf-eh-`) included. */
const ownPrefix = 'x-bf-'
/** But for this one: each client of a shared request keeps its own time. */
const timeoutHeader = 'x-bf-request-timeout'
/**
 * What may say on whose behalf a request comes, wherever it stands in a header's name. Too wide on purpose: a header that is
 * compared in vain costs an upstream request, one that is not compared could show one tenant the answer of another.
 */
const identityWords = /auth|key|token|secret|cookie|credential|session|signature|tenant|customer|account|organization|project|user(?!-agent)/
const printable = /^[\t\x20-\x7e]*$/

/**
 * The name of a request among those in flight: the same for two requests only when operation, body and every header that
 * says who asks or that can change the answer are the same, byte for byte and in the same order.
 *
 * The requests themselves are not kept and compared. SHA-256 stands for them: nobody can make two requests with the same
 * digest, so knowing it means having sent the same bytes with the same credentials. A fast hash would not do, since clients
 * choose what goes into it.
 * @returns null for a request that must not be shared
 */
export function toFlightKey ({ dialect, operation, jsonArray, parsed, defaultProvider, headers, body }: GatewayRequest): string | null {
  if (body.length > bodyBytesMax) return null
  // The path may say these, and not the body.
  const compared: string[] = [dialect, operation, parsed.model, String(parsed.stream), String(jsonArray), defaultProvider ?? '']
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index] as string
    if (!isCompared(name)) continue
    const value = headers[index + 1] as string
    // Other bytes may have been decoded with a loss.
    if (!printable.test(value)) return null
    compared.push(name, value)
  }
  // JSON keeps names and values apart, and has no line feed of its own: no header can pass for a part of the body.
  return createHash('sha256').update(JSON.stringify(compared)).update('\n').update(body).digest('base64')
}

function isCompared (name: string): boolean {
  if (name.startsWith(ownPrefix)) return name !== timeoutHeader
  return name === 'accept' || name === 'x-model-provider' || name.startsWith('anthropic-') || name.startsWith('x-amzn-bedrock-') || identityWords.test(name)
}
