import { GatewayError } from '../../errors.ts'

const roles: ReadonlySet<unknown> = new Set(['system', 'developer', 'user', 'assistant', 'tool'])

/**
 * What translations rely on; providers that speak OpenAI's API check for themselves.
 * @throws GatewayError BIFROST_INVALID_REQUEST that names the message
 */
export function checkMessages (messages: unknown): void {
  if (!Array.isArray(messages)) throw invalid('messages', 'messages must be an array.')
  for (const [index, message] of (messages as unknown[]).entries()) {
    const path = `messages[${index}]`
    if (!isRecord(message)) throw invalid(path, `${path} must be an object.`)
    const { role, content } = message
    if (!roles.has(role)) throw invalid(`${path}.role`, `${path}.role must be one of ${[...roles].join(', ')}, not ${shown(role)}.`)
    if (Array.isArray(content)) checkParts(content, `${path}.content`)
    else if (typeof content !== 'string' && !(role === 'assistant' && (content === null || content === undefined))) throw invalid(`${path}.content`, `${path}.content must be text or an array of parts, not ${shown(content)}.`)
    if (role === 'tool' && typeof message['tool_call_id'] !== 'string') throw invalid(`${path}.tool_call_id`, `${path}.tool_call_id is required.`)
    if (role === 'assistant') checkToolCalls(message['tool_calls'], `${path}.tool_calls`)
  }
}

function checkParts (parts: readonly unknown[], path: string): void {
  for (const [index, part] of parts.entries()) {
    if (!isRecord(part) || typeof part['type'] !== 'string') throw invalid(`${path}[${index}]`, `${path}[${index}] must be an object with a type.`)
    if (part['type'] === 'text' && typeof part['text'] !== 'string') throw invalid(`${path}[${index}].text`, `${path}[${index}].text must be text.`)
    const image = part['image_url']
    if (part['type'] === 'image_url' && !(isRecord(image) && typeof image['url'] === 'string')) throw invalid(`${path}[${index}].image_url`, `${path}[${index}].image_url must be an object with a url.`)
  }
}

function checkToolCalls (calls: unknown, path: string): void {
  if (calls === undefined || calls === null) return
  if (!Array.isArray(calls)) throw invalid(path, `${path} must be an array.`)
  for (const [index, call] of (calls as unknown[]).entries()) {
    const called = isRecord(call) ? call['function'] : null
    if (!isRecord(call) || typeof call['id'] !== 'string' || !isRecord(called) || typeof called['name'] !== 'string') throw invalid(`${path}[${index}]`, `${path}[${index}] must have an id and a function with a name.`)
    const text = called['arguments']
    if (text !== undefined && text !== null && text !== '' && !isObjectText(text)) throw invalid(`${path}[${index}].function.arguments`, `${path}[${index}].function.arguments must be the JSON text of an object.`)
  }
}

function isObjectText (text: unknown): boolean {
  if (typeof text !== 'string') return false
  try {
    return isRecord(JSON.parse(text))
  } catch {
    return false
  }
}

function isRecord (value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function shown (value: unknown): string {
  return JSON.stringify(value)?.slice(0, 64) ?? String(value)
}

function invalid (param: string, message: string): GatewayError {
  return new GatewayError('BIFROST_INVALID_REQUEST', { param, message })
}
