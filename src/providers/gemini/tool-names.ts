import { createHash } from 'node:crypto'
import type { ChatRequest } from '../../api/chat.ts'

/** What Gemini takes as the name of a function. */
const allowed = /^[A-Za-z_][A-Za-z0-9_.:-]{0,63}$/
const hashCharacters = 8
const stemCharactersMax = 64 - hashCharacters - 2

/** A name as Gemini takes it. Others are rewritten, with a hash that keeps them apart. */
export function toWireName (name: string): string {
  if (allowed.test(name)) return name
  const hash = createHash('sha256').update(name).digest('hex').slice(0, hashCharacters)
  return `_${name.replace(/[^A-Za-z0-9_.:-]/g, '_').slice(0, stemCharactersMax)}_${hash}`
}

/** @returns the client's own names by the rewritten ones, empty for nearly every request */
export function rewrittenNames (request: ChatRequest | null): ReadonlyMap<string, string> {
  const names = new Map<string, string>()
  for (const { function: tool } of request?.tools ?? []) {
    if (typeof tool?.name === 'string' && !allowed.test(tool.name)) names.set(toWireName(tool.name), tool.name)
  }
  return names
}
