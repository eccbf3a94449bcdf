import type { AssistantMessage, ContentPart, JsonObject, ReasoningDetail, ToolCall } from '../../api/chat.ts'
import { isSynthesisedCallId } from '../../api/synthesised-call-id.ts'
import type { TranslationContext } from '../family.ts'
import type { ModelTraits } from './models.ts'
import { toWireName } from './tool-names.ts'
import type { Part } from './wire.ts'

/** Google's own word for a call whose signature nobody has, for instance because another model made it. */
const noSignature = 'skip_thought_signature_validator'

/** What the model thought, said and called, in this order, with every signature where it came from. */
export function toModelParts (message: AssistantMessage, toParts: (content: string | ContentPart[]) => Part[], traits: ModelTraits, context: TranslationContext): Part[] {
  if (message.audio !== undefined && message.audio !== null) context.drop('messages.audio')
  if (message.name !== undefined) context.drop('messages.name')
  const details = message.reasoning_details ?? []
  const said = toParts(message.content ?? '')
  if (typeof message.refusal === 'string' && message.refusal !== '') said.push({ text: message.refusal })
  said.push(...toParts(message.images ?? []))
  return [
    ...toThoughts(message, details, context),
    ...signTexts(said, details),
    ...toCalls(message.tool_calls ?? [], details, traits)
  ]
}

function isOwn ({ format }: ReasoningDetail): boolean {
  return format === 'gemini' || format === 'google-gemini-v1'
}

/** Others' signatures and encrypted thoughts mean nothing to Gemini; what they say in words does. */
function toThoughts ({ reasoning_content: plain }: AssistantMessage, details: readonly ReasoningDetail[], context: TranslationContext): Part[] {
  if (details.length === 0) return typeof plain === 'string' && plain !== '' ? [{ text: plain, thought: true }] : []
  return details.flatMap((detail): Part[] => {
    if (detail.type === 'reasoning.encrypted') {
      if (!isOwn(detail)) context.drop('messages.reasoning_details')
      return []
    }
    const text = detail.type === 'reasoning.text' ? detail.text : detail.summary
    const signature = detail.type === 'reasoning.text' ? detail.signature ?? null : null
    if (signature !== null && !isOwn(detail)) context.drop('messages.reasoning_details.signature')
    const own = signature !== null && isOwn(detail) ? { thoughtSignature: signature } : {}
    return text === '' && own.thoughtSignature === undefined ? [] : [{ text, thought: true, ...own }]
  })
}

/**
 * Signatures of texts come back as encrypted thoughts, since the text of an answer is one string. The last one is that of the last text;
 * the others, and one without a text, get an empty part.
 */
function signTexts (said: Part[], details: readonly ReasoningDetail[]): Part[] {
  const signatures = details.flatMap((detail) => (detail.type === 'reasoning.encrypted' && isOwn(detail) && detail.id === undefined ? [detail.data] : []))
  const lastSignature = signatures.pop()
  if (lastSignature === undefined) return said
  const before: Part[] = signatures.map((signature) => ({ text: '', thoughtSignature: signature }))
  const lastText = said.findLast((part) => part.text !== undefined)
  if (lastText === undefined || lastText.thoughtSignature !== undefined) return [...before, ...said, { text: '', thoughtSignature: lastSignature }]
  return [...before, ...said.map((part) => (part === lastText ? { ...part, thoughtSignature: lastSignature } : part))]
}

function toCalls (calls: readonly ToolCall[], details: readonly ReasoningDetail[], traits: ModelTraits): Part[] {
  return calls.map((call, index) => {
    const detail = details.find((candidate) => candidate.type === 'reasoning.encrypted' && isOwn(candidate) && candidate.id === call.id) as { data: string } | undefined
    // Of parallel calls only the first one is signed.
    const signature = call.extra_content?.google?.thought_signature ?? detail?.data ?? (index === 0 && traits.isThird ? noSignature : undefined)
    const { name, arguments: text } = call.function
    return {
      functionCall: { ...isSynthesisedCallId(call.id) ? {} : { id: call.id }, name: toWireName(name), args: text === '' || text === undefined || text === null ? {} : JSON.parse(text) as JsonObject },
      ...signature === undefined ? {} : { thoughtSignature: signature }
    }
  })
}
