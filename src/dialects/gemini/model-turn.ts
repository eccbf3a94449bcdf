import type { AssistantMessage, ContentPart, ReasoningDetail, ToolCall } from '../../api/chat.ts'
import { synthesiseCallId } from '../../api/synthesised-call-id.ts'
import { toReasoningDetail } from './foreign-reasoning.ts'
import { invalidRequest } from './members.ts'
import { toContentParts } from './parts.ts'
import type { Part } from './wire.ts'

/**
 * A turn of the model in the history.
 * @param origin where it stands, for ids of calls that have none
 */
export function toAssistantMessage (parts: readonly Part[], origin: string, path: string): AssistantMessage {
  const details: ReasoningDetail[] = []
  const said: ContentPart[] = []
  const calls: ToolCall[] = []
  for (const [index, part] of parts.entries()) {
    if (part.functionCall !== undefined) calls.push(toCall(part, synthesiseCallId(origin, calls.length), `${path}.parts[${index}].functionCall`))
    else if (part.thought === true && typeof part.text === 'string') addThought(part.text, part.thoughtSignature, details)
    else addSaid(toContentParts(part, `${path}.parts[${index}]`), said)
  }
  const [only] = said
  return {
    role: 'assistant',
    content: said.length === 0 ? null : said.length === 1 && only?.type === 'text' && only.extra_content === undefined ? only.text : said,
    ...details.length === 0 ? {} : { reasoning_content: wordsOf(details), reasoning_details: details.map((detail, index) => ({ ...detail, index })) },
    ...calls.length === 0 ? {} : { tool_calls: calls }
  }
}

/** A stream cuts thoughts into pieces, and what signs them may come as an empty piece at the end. */
function addThought (text: string, signature: string | undefined, details: ReasoningDetail[]): void {
  const last = details.at(-1)
  const detail = toReasoningDetail(text, signature)
  if (last?.type !== 'reasoning.text' || (last.signature !== undefined && last.signature !== null) || detail.type === 'reasoning.encrypted') {
    details.push(detail)
    return
  }
  details[details.length - 1] = detail.type === 'reasoning.summary' ? { ...detail, summary: last.text + text } : { ...detail, text: last.text + text }
}

function addSaid (parts: readonly ContentPart[], said: ContentPart[]): void {
  for (const part of parts) {
    const last = said.at(-1)
    if (part.type === 'text' && last?.type === 'text' && last.extra_content === undefined) said[said.length - 1] = { ...part, text: last.text + part.text }
    else said.push(part)
  }
}

function wordsOf (details: readonly ReasoningDetail[]): string {
  return details.map((detail) => (detail.type === 'reasoning.text' ? detail.text : detail.type === 'reasoning.summary' ? detail.summary : '')).join('')
}

function toCall ({ functionCall: call, thoughtSignature: signature }: Part, id: string, path: string): ToolCall {
  if (typeof call?.name !== 'string') throw invalidRequest(`${path}.name`, `${path}.name is required.`)
  return {
    id: typeof call.id === 'string' && call.id !== '' ? call.id : id,
    type: 'function',
    function: { name: call.name, arguments: JSON.stringify(call.args ?? {}) },
    ...signature === undefined ? {} : { extra_content: { google: { thought_signature: signature } } }
  }
}
