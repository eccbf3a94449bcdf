import type { ChatRequest, JsonObject } from '../../api/chat.ts'
import { GatewayError } from '../../errors.ts'

/** Members of a text completion that chat has no words for. */
const foreignMembers: readonly string[] = ['suffix', 'echo', 'best_of', 'logprobs']

/** @throws GatewayError BIFROST_INVALID_REQUEST for prompts that are no text */
export function toChatRequest (body: JsonObject, model: string, stream: boolean, drop: (member: string) => void = () => {}): ChatRequest {
  const { prompt, ...rest } = body
  for (const name of foreignMembers) {
    if (saysSomething(rest[name])) drop(name)
    Reflect.deleteProperty(rest, name)
  }
  return { ...rest, model, messages: [{ role: 'user', content: textOf(prompt) }], ...stream ? { stream: true } : {} }
}

function textOf (prompt: unknown): string {
  const only: unknown = Array.isArray(prompt) && prompt.length === 1 ? prompt[0] : prompt
  if (typeof only === 'string') return only
  throw new GatewayError('BIFROST_INVALID_REQUEST', { param: 'prompt', message: 'prompt must be one text: this provider has no text completions of its own, and chat takes neither several prompts nor tokens.' })
}

/** Whether a member asks for more than what happens without it. */
function saysSomething (value: unknown): boolean {
  return value !== undefined && value !== null && value !== false && value !== '' && value !== 1
}
