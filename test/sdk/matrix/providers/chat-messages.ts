import { Refusal } from '../fake-server.ts'
import type { Asked } from './reply.ts'
import { anyObject, boolean, object, orNull, text } from './schema.ts'

/** What OpenAI's chat format and its copies at other vendors have in common. */
export interface ChatBody {
  messages: ChatMessage[]
  tools?: { function: { name: string, parameters?: unknown } }[] | null
  tool_choice?: unknown
  stream?: boolean | null
}

export interface ChatMessage {
  role: string
  content?: unknown
  tool_calls?: ChatCall[] | null
  tool_call_id?: string | null
}

interface ChatCall {
  id: string
  function: { name: string, arguments: string | object }
}

/** `{ type, json_schema }` of `response_format`, strict as OpenAI's. */
export const jsonSchemaFormat = object({ type: { const: 'json_schema' }, json_schema: object({ name: text, 'description?': orNull(text), schema: anyObject, 'strict?': orNull(boolean) }) })

export const functionTool = object({ type: { const: 'function' }, function: object({ name: { type: 'string', pattern: '^[a-zA-Z0-9_-]{1,64}$' }, 'description?': text, 'parameters?': anyObject, 'strict?': orNull(boolean) }) })

/** Results stand directly after their calls, one for each, under the ids of the calls. */
export function readMessages (messages: readonly ChatMessage[]): Pick<Asked, 'said' | 'results'> {
  const open = new Map<string, ChatCall>()
  let results: Asked['results'][number][] = []
  for (const message of messages) {
    if (message.role === 'tool') {
      const call = open.get(message.tool_call_id ?? '')
      if (call === undefined) throw new Refusal(`no call directly before has the id ${String(message.tool_call_id)}`)
      open.delete(call.id)
      results.push({ name: call.function.name, arguments: parseArguments(call.function.arguments), content: message.content })
      continue
    }
    refuseOpen(open)
    results = []
    for (const call of message.tool_calls ?? []) {
      if (open.has(call.id)) throw new Refusal(`two calls have the id ${call.id}`)
      open.set(call.id, call)
    }
  }
  refuseOpen(open)
  return { said: textOf(messages.findLast(({ role }) => role === 'user')?.content), results }
}

export function toolsOf ({ tools }: ChatBody): Asked['tools'] {
  return (tools ?? []).map(({ function: { name, parameters } }) => ({ name, schema: parameters }))
}

/** The name in `{ type: 'function', function: { name } }`, or the only tool when some call is required. */
export function forcedTool (body: ChatBody): string | undefined {
  const choice = body.tool_choice
  if (typeof choice === 'object' && choice !== null) return (choice as { function?: { name?: string } }).function?.name
  return ['required', 'any', 'REQUIRED'].includes(String(choice)) ? body.tools?.[0]?.function.name : undefined
}

export function textOf (content: unknown): string {
  if (typeof content === 'string') return content
  return (Array.isArray(content) ? content as { text?: string }[] : []).map((part) => part.text ?? '').join('')
}

function refuseOpen (open: ReadonlyMap<string, ChatCall>): void {
  if (open.size > 0) throw new Refusal(`calls without results: ${[...open.keys()].join(', ')}`)
}

function parseArguments (said: string | object): unknown {
  if (typeof said !== 'string') return said
  try {
    return JSON.parse(said)
  } catch {
    throw new Refusal(`the arguments of a call are no JSON: ${said}`)
  }
}
