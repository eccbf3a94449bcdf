import type { AssistantMessage, ChatDelta, ContentPart, ImagePart, JsonObject, ReasoningDetail, ToolCall } from '../../api/chat.ts'
import { isSynthesisedCallId } from '../../api/synthesised-call-id.ts'
import { isGemini, toThoughtSignature } from './foreign-reasoning.ts'
import type { Part } from './wire.ts'

/** Thoughts, whole or a piece of them. */
export function fromReasoning ({ reasoning_content: plain, reasoning_details: details }: Pick<AssistantMessage | ChatDelta, 'reasoning_content' | 'reasoning_details'>): Part[] {
  if (details === undefined || details === null || details.length === 0) return typeof plain === 'string' && plain !== '' ? [{ text: plain, thought: true }] : []
  return details.flatMap((detail): Part[] => {
    if (isTextSignature(detail)) return []
    const text = detail.type === 'reasoning.text' ? detail.text : detail.type === 'reasoning.summary' ? detail.summary : ''
    const signature = toThoughtSignature(detail)
    return text === '' && signature === undefined ? [] : [{ text, thought: true, ...signature === undefined ? {} : { thoughtSignature: signature } }]
  })
}

/** Gemini's own signature of a text that is no thought. */
export function isTextSignature (detail: ReasoningDetail): detail is Extract<ReasoningDetail, { type: 'reasoning.encrypted' }> {
  return detail.type === 'reasoning.encrypted' && isGemini(detail)
}

export function fromImages (images: readonly ImagePart[] | null | undefined): Part[] {
  return (images ?? []).map(({ image_url: { url }, extra_content: extra }) => {
    const comma = url.indexOf(',')
    const signed = extra?.google?.thought_signature === undefined ? {} : { thoughtSignature: extra.google.thought_signature }
    if (!url.startsWith('data:') || comma < 0) return { fileData: { fileUri: url }, ...signed }
    return { inlineData: { mimeType: url.slice('data:'.length, comma).split(';')[0], data: url.slice(comma + 1) }, ...signed }
  })
}

/** Text that is cut off is no arguments; the finish reason says why. */
export function fromCall (call: ToolCall): Part {
  const signature = call.extra_content?.google?.thought_signature
  return {
    functionCall: { ...isSynthesisedCallId(call.id) ? {} : { id: call.id }, name: call.function.name, args: parseArguments(call.function.arguments) },
    ...signature === undefined ? {} : { thoughtSignature: signature }
  }
}

function parseArguments (text: string): JsonObject {
  if (text.trim() === '') return {}
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value as JsonObject : {}
  } catch {
    return {}
  }
}

export function fromContent (content: string | ContentPart[] | null | undefined, refusal: string | null | undefined): Part[] {
  const parts: Part[] = typeof content === 'string'
    ? content === '' ? [] : [{ text: content }]
    : (content ?? []).flatMap((part): Part[] => {
        if (part.type === 'text') return [{ text: part.text, ...part.extra_content?.google?.thought_signature === undefined ? {} : { thoughtSignature: part.extra_content.google.thought_signature } }]
        if (part.type === 'refusal') return [{ text: part.refusal }]
        if (part.type === 'image_url') return fromImages([part])
        return part.type === 'opaque' && part.dialect === 'gemini' ? [part.value as Part] : []
      })
  return typeof refusal === 'string' && refusal !== '' ? [...parts, { text: refusal }] : parts
}
