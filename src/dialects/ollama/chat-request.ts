import type { AssistantMessage, ChatMessage, ChatRequest, ChatTool, ContentPart, JsonObject, ToolCall } from '../../api/chat.ts'
import { invalid, isRecord, shown } from '../checks.ts'

/** Options that others know, too -> their canonical name. The rest stays in `options`. */
const knownOptions: Readonly<Record<string, string>> = {
  temperature: 'temperature', top_p: 'top_p', top_k: 'top_k', seed: 'seed', presence_penalty: 'presence_penalty', frequency_penalty: 'frequency_penalty', stop: 'stop', num_predict: 'max_tokens'
}
const translated: ReadonlySet<string> = new Set(['model', 'messages', 'stream', 'tools', 'format', 'options', 'think'])
/** First characters of an image in base64 -> what it is. */
const imageTypes: readonly [string, string][] = [['/9j/', 'image/jpeg'], ['R0lG', 'image/gif'], ['UklG', 'image/webp'], ['iVBO', 'image/png']]

/** Members that only Ollama has, such as `keep_alive`, keep their names: who is asked decides about them. */
export function toChatRequest (body: JsonObject, model: string, stream: boolean): ChatRequest {
  const request: ChatRequest = { model, messages: toMessages(body['messages']), stream }
  addOptions(body['options'], request)
  const tools = toTools(body['tools'])
  if (tools.length > 0) request.tools = tools
  const { format, think } = body
  if (format === 'json') request.response_format = { type: 'json_object' }
  else if (isRecord(format)) request.response_format = { type: 'json_schema', json_schema: { name: 'response', schema: format } }
  if (typeof think === 'boolean') request.reasoning = { enabled: think }
  else if (typeof think === 'string') request.reasoning = { effort: think }
  for (const [name, value] of Object.entries(body)) {
    if (!translated.has(name)) request[name] = value
  }
  return request
}

function addOptions (options: unknown, request: ChatRequest): void {
  if (!isRecord(options)) return
  const others: JsonObject = {}
  for (const [name, value] of Object.entries(options)) {
    const known = knownOptions[name]
    if (known === undefined) others[name] = value
    // Below zero: as many as the model likes.
    else if (name !== 'num_predict' || (typeof value === 'number' && value > 0)) request[known] = value
  }
  if (Object.keys(others).length > 0) request['options'] = others
}

function toMessages (messages: unknown): ChatMessage[] {
  if (!Array.isArray(messages)) throw invalid('messages', 'messages must be an array.')
  /** Calls that have no result yet. */
  let open: ToolCall[] = []
  return (messages as unknown[]).map((message, index) => {
    const path = `messages[${index}]`
    if (!isRecord(message)) throw invalid(path, `${path} must be an object.`)
    const { role } = message
    const content = message['content'] ?? ''
    if (typeof content !== 'string') throw invalid(`${path}.content`, `${path}.content must be text, not ${shown(content)}.`)
    switch (role) {
      case 'system': return { role, content }
      case 'user': return { role, content: toContent(content, message['images'], path) }
      case 'assistant': {
        const answer = toAssistant(message, content, index)
        open = [...answer.tool_calls ?? []]
        return answer
      }
      case 'tool': {
        const call = callOf(message, open)
        if (call === undefined) throw invalid(path, `${path} is the result of no tool call before it.`)
        open = open.filter((other) => other !== call)
        return { role, tool_call_id: call.id, content: toContent(content, message['images'], path), name: call.function.name }
      }
      default: throw invalid(`${path}.role`, `${path}.role must be one of system, user, assistant, tool, not ${shown(role)}.`)
    }
  })
}

/** The call that a result is of: by its id, by the name of the tool, or the next one. */
function callOf ({ tool_call_id: id, tool_name: name }: JsonObject, open: readonly ToolCall[]): ToolCall | undefined {
  return open.find((call) => call.id === id) ?? open.find((call) => call.function.name === name) ?? open[0]
}

function toContent (text: string, images: unknown, path: string): string | ContentPart[] {
  if (!Array.isArray(images) || images.length === 0) return text
  return [...text === '' ? [] : [{ type: 'text' as const, text }], ...(images as unknown[]).map((image, index): ContentPart => {
    if (typeof image !== 'string') throw invalid(`${path}.images[${index}]`, `${path}.images[${index}] must be base64 text.`)
    const type = imageTypes.find(([start]) => image.startsWith(start))?.[1] ?? 'image/png'
    return { type: 'image_url', image_url: { url: image.startsWith('data:') ? image : `data:${type};base64,${image}` } }
  })]
}

function toAssistant ({ thinking, tool_calls: calls }: JsonObject, content: string, index: number): AssistantMessage {
  const toolCalls = (Array.isArray(calls) ? calls as unknown[] : []).map((call, at) => toToolCall(call, index, at))
  return {
    role: 'assistant',
    content: content === '' && toolCalls.length > 0 ? null : content,
    ...typeof thinking === 'string' && thinking !== '' ? { reasoning_content: thinking } : {},
    ...toolCalls.length === 0 ? {} : { tool_calls: toolCalls }
  }
}

/** Clients of older versions have no ids; the place in the conversation is one. */
function toToolCall (call: unknown, message: number, index: number): ToolCall {
  const path = `messages[${message}].tool_calls[${index}]`
  const called = isRecord(call) ? call['function'] : null
  if (!isRecord(call) || !isRecord(called) || typeof called['name'] !== 'string') throw invalid(path, `${path} must have a function with a name.`)
  const { id } = call
  const { name, arguments: given } = called
  return { id: typeof id === 'string' && id !== '' ? id : `call_${message}_${index}`, type: 'function', function: { name, arguments: typeof given === 'string' ? given : JSON.stringify(given ?? {}) } }
}

function toTools (tools: unknown): ChatTool[] {
  if (tools === undefined || tools === null) return []
  if (!Array.isArray(tools)) throw invalid('tools', 'tools must be an array.')
  return (tools as unknown[]).map((tool, index) => {
    const called = isRecord(tool) ? tool['function'] : null
    if (!isRecord(called) || typeof called['name'] !== 'string') throw invalid(`tools[${index}]`, `tools[${index}] must have a function with a name.`)
    const { name, description, parameters } = called
    return { type: 'function', function: { name, ...typeof description === 'string' ? { description } : {}, ...isRecord(parameters) ? { parameters } : {} } }
  })
}
