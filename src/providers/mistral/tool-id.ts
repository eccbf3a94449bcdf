import { createHash } from 'node:crypto'

/** The only ids that Mistral takes; its own are such. */
const taken = /^[a-zA-Z0-9]{9}$/
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

/**
 * The id of a tool call as Mistral takes it. The same id gives the same one, in every request and in every thread, so that a call and its
 * result belong together; ids that Mistral gave come back to it as they were. Two ids meet once in 62 to the ninth.
 */
export function toToolId (id: string): string {
  if (taken.test(id)) return id
  const digest = createHash('sha256').update(id).digest()
  // A byte modulo 62 is a little uneven, which costs a fraction of a bit.
  return Array.from(digest.subarray(0, 9), (byte) => alphabet[byte % 62] as string).join('')
}
