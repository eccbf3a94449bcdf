import type { ChatMessage, ContentPart, ToolMessage } from '../../api/chat.ts'
import { invalidRequest, listOf, membersOf } from './members.ts'
import { toAssistantMessage } from './model-turn.ts'
import { toContentParts, toPart } from './parts.ts'
import type { Content, Part } from './wire.ts'

/** @returns the conversation, answers of functions as messages of their own */
export function toMessages (contents: unknown): ChatMessage[] {
  const messages: ChatMessage[] = []
  /** Calls of the last turn of the model that have no answer yet. */
  let waiting: { id: string, name: string }[] = []
  for (const [index, content] of mergeModelTurns(listOf(contents, 'contents').map(toContent)).entries()) {
    const path = `contents[${index}]`
    if (content.role === 'model') {
      const message = toAssistantMessage(content.parts, String(index), path)
      waiting = (message.tool_calls ?? []).map((call) => ({ id: call.id, name: call.function.name }))
      messages.push(message)
      continue
    }
    const said: ContentPart[] = []
    for (const [at, part] of content.parts.entries()) {
      if (part.functionResponse === undefined) said.push(...toContentParts(part, `${path}.parts[${at}]`))
      else messages.push(toToolMessage(part.functionResponse, waiting, `${path}.parts[${at}].functionResponse`))
    }
    if (said.length > 0) messages.push({ role: 'user', content: toMessageContent(said) })
  }
  return messages
}

/** One text is a string, which more providers understand than a list of one. */
export function toMessageContent (parts: ContentPart[]): string | ContentPart[] {
  const [only] = parts
  return parts.length === 1 && only?.type === 'text' && only.extra_content === undefined ? only.text : parts
}

function toContent (value: unknown, index: number): Content {
  const path = `contents[${index}]`
  const { role, parts } = membersOf(value, path)
  return { role: role === 'model' ? 'model' : 'user', parts: listOf(parts, `${path}.parts`).map((part, at) => toPart(part, `${path}.parts[${at}]`)) }
}

/** Google's SDK keeps every event of a stream as a turn of its own. */
function mergeModelTurns (contents: readonly Content[]): Content[] {
  const merged: Content[] = []
  for (const content of contents) {
    const last = merged.at(-1)
    if (content.role === 'model' && last?.role === 'model') merged[merged.length - 1] = { role: 'model', parts: [...last.parts, ...content.parts] }
    else merged.push(content)
  }
  return merged
}

/** The call that is answered is the one with the same id, else the first one of that name. @param waiting loses it */
function toToolMessage (answer: NonNullable<Part['functionResponse']>, waiting: { id: string, name: string }[], path: string): ToolMessage {
  const byId = waiting.findIndex(({ id }) => id === answer.id)
  const at = byId >= 0 ? byId : waiting.findIndex(({ name }) => name === answer.name)
  if (at < 0) throw invalidRequest(path, `${path} answers ${JSON.stringify(answer.name ?? '')}, which the turn before it does not call.`)
  const [call] = waiting.splice(at, 1) as [{ id: string, name: string }]
  const { text, isError } = toText(toRecord(answer.response))
  const media = (answer.parts ?? []).flatMap((part, index) => toContentParts(toPart(part, `${path}.parts[${index}]`), `${path}.parts[${index}]`))
  return {
    role: 'tool',
    tool_call_id: call.id,
    name: call.name,
    content: media.length === 0 ? text : [{ type: 'text', text }, ...media],
    ...isError ? { is_error: true } : {}
  }
}

function toRecord (response: unknown): Record<string, unknown> {
  return typeof response === 'object' && response !== null ? response as Record<string, unknown> : {}
}

/** `result` and `error` stand for text where they stand alone; everything else is JSON. */
function toText (response: Record<string, unknown>): { text: string, isError: boolean } {
  const names = Object.keys(response)
  const isError = names.length === 1 && names[0] === 'error'
  const only = names.length === 1 && (isError || names[0] === 'result') ? response[names[0] as string] : response
  return { text: typeof only === 'string' && (isError || !/^\s*[[{]/.test(only)) ? only : JSON.stringify(isError ? only : typeof only === 'string' ? response : only), isError }
}
