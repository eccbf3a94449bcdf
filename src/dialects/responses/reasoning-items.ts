import type { ExtraContent, JsonObject, ReasoningDetail } from '../../api/chat.ts'
import { isRecord } from './invalid-request.ts'
import type { ReasoningItem } from './wire.ts'

/**
 * Begins the `encrypted_content` that the gateway makes; base64url of JSON follows. Clients send the text back as it is, and OpenAI's own,
 * which begins otherwise, passes through as it came.
 */
const mark = 'bifrost.v1.'

/** What the gateway puts there: all of a reasoning detail but its text, or what belongs to a tool call that has no place in its item. */
type Envelope =
  | { kind: 'detail', type: ReasoningDetail['type'], format?: string, index?: number, id?: string, signature?: string, data?: string }
  | { kind: 'call', callId: string, extra: ExtraContent }

/** A reasoning item of a request, read. */
export type ReadReasoning =
  | { kind: 'details', text: string, details: ReasoningDetail[] }
  | { kind: 'call', callId: string, extra: ExtraContent }

/** Whether a detail goes on where the last one ended. */
function continuesDetail (last: ReasoningDetail, next: ReasoningDetail): boolean {
  if (isOwnPair(last, next)) return true
  // Encrypted data comes whole; without an index, two of them are two.
  if (last.type !== next.type || (next.type === 'reasoning.encrypted' && next.index === undefined)) return false
  return last.index === next.index || last.index === undefined
}

/** OpenAI's own reasoning item is a summary and encrypted data in one. */
function isOwnPair (last: ReasoningDetail, next: ReasoningDetail): boolean {
  return last.type === 'reasoning.summary' && next.type === 'reasoning.encrypted' && last.format === 'openai-responses' && next.format === 'openai-responses'
}

export function textOfDetail (detail: ReasoningDetail): string {
  return detail.type === 'reasoning.text' ? detail.text : detail.type === 'reasoning.summary' ? detail.summary : ''
}

/** Details that have been said so far of one item. */
export class DetailMerger {
  private readonly first: ReasoningDetail
  private text = ''
  private signature = ''
  private data = ''

  constructor (first: ReasoningDetail) {
    this.first = { ...first }
    this.add(first)
  }

  continues (next: ReasoningDetail): boolean {
    return continuesDetail(this.first, next)
  }

  add (detail: ReasoningDetail): void {
    this.text += textOfDetail(detail)
    if (detail.type === 'reasoning.text' && typeof detail.signature === 'string') this.signature += detail.signature
    if (detail.type === 'reasoning.encrypted') this.data += detail.data
    for (const name of ['format', 'index', 'id'] as const) {
      if (this.first[name] === undefined && detail[name] !== undefined) Object.assign(this.first, { [name]: detail[name] })
    }
  }

  toItem (id: string): ReasoningItem {
    return { id, type: 'reasoning', summary: this.text === '' ? [] : [{ type: 'summary_text', text: this.text }], encrypted_content: this.encryptedContent() }
  }

  private encryptedContent (): string | null {
    const { type, format, index, id } = this.first
    if (format === 'openai-responses') return this.data === '' ? null : this.data
    // Plain text needs no envelope.
    if (type === 'reasoning.text' && this.signature === '' && format === undefined && id === undefined) return null
    return seal({ kind: 'detail', type, format, index, id, signature: this.signature === '' ? undefined : this.signature, data: this.data === '' ? undefined : this.data })
  }
}

/** @returns an item that says nothing and carries what belongs to a tool call */
export function toCallExtraItem (id: string, callId: string, extra: ExtraContent): ReasoningItem {
  return { id, type: 'reasoning', summary: [], encrypted_content: seal({ kind: 'call', callId, extra }) }
}

export function readReasoningItem (item: JsonObject): ReadReasoning {
  const summary = textsOf(item['summary'])
  const text = summary === '' ? textsOf(item['content']) : summary
  const encrypted = item['encrypted_content']
  const id = typeof item['id'] === 'string' ? item['id'] : undefined
  if (typeof encrypted !== 'string' || encrypted === '') return { kind: 'details', text, details: [] }
  const envelope = open(encrypted)
  if (envelope === null) return { kind: 'details', text, details: toOwnDetails(text, encrypted, id) }
  return envelope.kind === 'call' ? envelope : { kind: 'details', text, details: [toDetail(text, envelope)] }
}

function toOwnDetails (text: string, data: string, id: string | undefined): ReasoningDetail[] {
  const own = { format: 'openai-responses', ...id === undefined ? {} : { id } }
  const encrypted: ReasoningDetail = { type: 'reasoning.encrypted', data, ...own }
  return text === '' ? [encrypted] : [{ type: 'reasoning.summary', summary: text, ...own }, encrypted]
}

function toDetail (text: string, { kind: _kind, type, signature, data, ...more }: Extract<Envelope, { kind: 'detail' }>): ReasoningDetail {
  if (type === 'reasoning.encrypted') return { type, data: data ?? '', ...more }
  return type === 'reasoning.summary' ? { type, summary: text, ...more } : { type, text, ...signature === undefined ? {} : { signature }, ...more }
}

function seal (envelope: Envelope): string {
  return mark + Buffer.from(JSON.stringify(envelope)).toString('base64url')
}

/** @returns null for what the gateway did not make */
function open (text: string): Envelope | null {
  if (!text.startsWith(mark)) return null
  try {
    const value: unknown = JSON.parse(Buffer.from(text.slice(mark.length), 'base64url').toString('utf8'))
    if (!isRecord(value)) return null
    const isEnvelope = value['kind'] === 'call' ? typeof value['callId'] === 'string' && isRecord(value['extra']) : value['kind'] === 'detail' && typeof value['type'] === 'string'
    return isEnvelope ? value as unknown as Envelope : null
  } catch {
    return null
  }
}

function textsOf (parts: unknown): string {
  if (!Array.isArray(parts)) return ''
  return (parts as unknown[]).map((part) => isRecord(part) && typeof part['text'] === 'string' ? part['text'] : '').join('')
}
