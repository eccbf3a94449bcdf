import type { ReasoningDetail } from '../../api/chat.ts'

/**
 * Thoughts of other models in the one place that clients of this dialect hand back unread: `thoughtSignature`. It holds base64 of the
 * detail as JSON without its text, so that signatures and encrypted thoughts of, say, Anthropic survive the way through the client.
 */
const mark = '{"bifrost":'

type Envelope = Omit<ReasoningDetail, 'text' | 'summary' | 'index'>

/** @returns what `thoughtSignature` holds for a detail, undefined when there is nothing to keep */
export function toThoughtSignature (detail: ReasoningDetail): string | undefined {
  const signature = detail.type === 'reasoning.text' ? detail.signature ?? undefined : detail.type === 'reasoning.encrypted' ? detail.data : undefined
  if (isGemini(detail)) return signature
  if (signature === undefined && detail.id === undefined) return undefined
  const { index: _index, ...rest } = detail
  const envelope = Object.fromEntries(Object.entries(rest).filter(([name]) => name !== 'text' && name !== 'summary'))
  return Buffer.from(`${mark}${JSON.stringify(envelope)}}`).toString('base64')
}

export function isGemini ({ format }: ReasoningDetail): boolean {
  return format === 'gemini' || format === 'google-gemini-v1'
}

/** @returns null for a signature of Gemini's own */
function open (signature: string): Envelope | null {
  const text = Buffer.from(signature, 'base64').toString('utf8')
  if (!text.startsWith(mark)) return null
  try {
    return (JSON.parse(text) as { bifrost: Envelope }).bifrost
  } catch {
    return null
  }
}

/** The detail that a thought of the history was. */
export function toReasoningDetail (text: string, signature: string | undefined): ReasoningDetail {
  const envelope = signature === undefined ? null : open(signature)
  if (envelope === null) return { type: 'reasoning.text', text, ...signature === undefined ? {} : { signature }, format: 'gemini' }
  if (envelope.type === 'reasoning.encrypted') return envelope as ReasoningDetail
  return (envelope.type === 'reasoning.summary' ? { ...envelope, summary: text } : { ...envelope, text }) as ReasoningDetail
}
