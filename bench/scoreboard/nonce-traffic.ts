import { doneEvent, finishEvent, withoutExtraFields } from '../../test/helpers/sse.ts'
import type { FaultExchange } from '../../test/helpers/fault-upstream.ts'

/** Same length for all; nothing else in requests and answers looks like one. */
const pattern = /Zq[0-9a-z]{6}Q/

export const answerKinds = ['unary', 'large-unary', 'stream', 'large-stream', 'error', 'large-request'] as const
export type AnswerKind = typeof answerKinds[number]

const largeBytes = 48 * 1024
/** Above a quarter of the ring, so that it goes to the thread in another way than small ones. */
const largeRequestBytes = 300 * 1024
const chunks: Partial<Record<AnswerKind, { count: number, bytes: number }>> = { stream: { count: 4, bytes: 9 }, 'large-stream': { count: 24, bytes: 4 * 1024 } }

export function toNonce (number: number): string {
  return `Zq${number.toString(36).padStart(6, '0')}Q`
}

export function foreignNonceIn (text: string, own: string): string | null {
  // Most of a text is its own nonce: to look at what is left costs a fifth.
  return text.replaceAll(own, '').match(pattern)?.[0] ?? null
}

const fill = (nonce: string, bytes: number): string => nonce.repeat(Math.ceil(bytes / nonce.length))

export function toRequest (nonce: string, kind: AnswerKind): string {
  const content = fill(nonce, kind === 'large-request' ? largeRequestBytes : nonce.length)
  return JSON.stringify({ model: `up/${kind}-${nonce}`, stream: chunks[kind] !== undefined, user: nonce, messages: [{ role: 'user', content }] })
}

/** What the upstream says to a request, piece by piece; every byte of it follows from the nonce. */
export function toAnswer (nonce: string, kind: AnswerKind): string[] {
  const parts = chunks[kind]
  const base = { id: nonce, created: 1, model: `${kind}-${nonce}`, system_fingerprint: nonce }
  if (kind === 'error') return [JSON.stringify({ error: { message: `No ${nonce}.`, type: nonce, param: nonce, code: nonce } })]
  if (parts === undefined) {
    const content = fill(nonce, kind === 'large-unary' ? largeBytes : nonce.length)
    return [JSON.stringify({ ...base, object: 'chat.completion', choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }], usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 } })]
  }
  const content = fill(nonce, parts.bytes)
  const event = `data: ${JSON.stringify({ ...base, object: 'chat.completion.chunk', choices: [{ index: 0, delta: { content }, finish_reason: null }] })}\n\n`
  return [...Array.from({ length: parts.count }, () => event), finishEvent(), doneEvent]
}

/** @returns the model's nonce and kind; null when the request is not, byte for byte, the one that its nonce names */
export function readRequest ({ json, request }: FaultExchange): { nonce: string, kind: AnswerKind } | null {
  const at = json.model.lastIndexOf('-')
  const [kind, nonce] = [json.model.slice(0, at) as AnswerKind, json.model.slice(at + 1)]
  const { messages: [message] = [], user } = json as { messages?: { content: string }[], user?: unknown }
  const wanted = JSON.parse(toRequest(nonce, kind)) as { messages: { content: string }[] }
  const same = user === nonce && message?.content === wanted.messages[0]?.content && request.headers['nonce'] === nonce
  return same ? { nonce, kind } : null
}

/** @param isWhole false: the client has left, and whole events of what came are compared */
export function isAsSaid (text: string, nonce: string, kind: AnswerKind, isWhole: boolean): boolean {
  const said = toAnswer(nonce, kind).join('')
  if (kind === 'error') return text.includes(`No ${nonce}.`)
  const heard = withoutExtraFields(text.replaceAll(/^:\n/gm, ''))
  if (isWhole) return heard === said
  return said.startsWith(heard.slice(0, heard.lastIndexOf('\n\n') + 2 || 0))
}
