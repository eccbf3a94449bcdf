import type { AssistantMessage, ChatMessage, ChatRequest, ChatTool, ContentPart, JsonObject, ReasoningDetail, ToolCall } from '../../api/chat.ts'
import { invalid, isRecord, shown } from '../checks.ts'
import { thinkingFormat, toolPlanFormat } from './wire.ts'

/** Cohere's name -> the canonical one. */
const renamed: Readonly<Record<string, string>> = { p: 'top_p', k: 'top_k', stop_sequences: 'stop' }
const translated: ReadonlySet<string> = new Set(['model', 'messages', 'stream', 'tools', 'strict_tools', 'tool_choice', 'response_format', 'thinking'])

/** Members that only Cohere has, such as `documents`, keep their names: who is asked decides about them. */
export function toChatRequest (body: JsonObject, model: string, stream: boolean): ChatRequest {
  const request: ChatRequest = { model, messages: toMessages(body['messages']), stream }
  const tools = toTools(body['tools'], body['strict_tools'] === true)
  if (tools !== null) request.tools = tools
  const choice = body['tool_choice']
  if (choice === 'REQUIRED') request.tool_choice = 'required'
  else if (choice === 'NONE') request.tool_choice = 'none'
  else if (choice !== undefined && choice !== null) throw invalid('tool_choice', `tool_choice must be REQUIRED or NONE, not ${shown(choice)}.`)
  addResponseFormat(body['response_format'], request)
  addThinking(body['thinking'], request)
  for (const [name, value] of Object.entries(body)) {
    if (!translated.has(name)) request[renamed[name] ?? name] = value
  }
  return request
}

function toMessages (messages: unknown): ChatMessage[] {
  if (!Array.isArray(messages)) throw invalid('messages', 'messages must be an array.')
  return (messages as unknown[]).map((message, index) => {
    const path = `messages[${index}]`
    if (!isRecord(message)) throw invalid(path, `${path} must be an object.`)
    const { role, content } = message
    switch (role) {
      case 'system': return { role, content: toContent(content, `${path}.content`) }
      case 'user': return { role, content: toContent(content, `${path}.content`) }
      case 'tool': {
        if (typeof message['tool_call_id'] !== 'string') throw invalid(`${path}.tool_call_id`, `${path}.tool_call_id is required.`)
        return { role, tool_call_id: message['tool_call_id'], content: toContent(content, `${path}.content`) }
      }
      case 'assistant': return toAssistant(message, path)
      default: throw invalid(`${path}.role`, `${path}.role must be one of system, user, assistant, tool, not ${shown(role)}.`)
    }
  })
}

function toContent (content: unknown, path: string): string | ContentPart[] {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) throw invalid(path, `${path} must be text or an array of parts, not ${shown(content)}.`)
  return (content as unknown[]).map((part, index) => toPart(part, `${path}[${index}]`))
}

function toPart (part: unknown, path: string): ContentPart {
  if (!isRecord(part)) throw invalid(path, `${path} must be an object with a type.`)
  const { type, text, image_url: image, document } = part
  if (type === 'text' && typeof text === 'string') return { type, text }
  if (type === 'image_url' && isRecord(image) && typeof image['url'] === 'string') return { type, image_url: { url: image['url'], ...typeof image['detail'] === 'string' ? { detail: image['detail'] } : {} } }
  if (type === 'document' && isRecord(document)) return { type: 'text', text: toDocumentText(document) }
  throw invalid(path, `${path} must be a part of type text, image_url or document, not ${shown(part)}.`)
}

/** A tool's result as a document: everybody else takes it as text, with its id and title. */
function toDocumentText ({ id, data }: JsonObject): string {
  if (typeof data === 'string') return data
  const members = isRecord(data) ? data : {}
  const names = Object.keys(members)
  if (id === undefined && names.length === 1 && typeof members['text'] === 'string') return members['text']
  return JSON.stringify({ ...id === undefined ? {} : { id }, ...members })
}

function toAssistant ({ content, tool_plan: plan, tool_calls: calls, citations }: JsonObject, path: string): AssistantMessage {
  const details: ReasoningDetail[] = []
  let said: AssistantMessage['content'] = null
  if (typeof content === 'string') said = content
  else if (Array.isArray(content)) {
    const parts = (content as unknown[]).filter((part) => {
      if (!isRecord(part) || part['type'] !== 'thinking') return true
      if (typeof part['thinking'] === 'string') details.push({ type: 'reasoning.text', text: part['thinking'], format: thinkingFormat, index: details.length })
      return false
    })
    said = parts.length === 0 ? null : toContent(parts, `${path}.content`)
  }
  if (typeof plan === 'string' && plan !== '') details.push({ type: 'reasoning.text', text: plan, format: toolPlanFormat, index: details.length })
  const message: AssistantMessage = { role: 'assistant', content: said }
  if (details.length > 0) {
    message.reasoning_content = details.map((detail) => 'text' in detail ? detail.text : '').join('\n')
    message.reasoning_details = details
  }
  const toolCalls = toToolCalls(calls, `${path}.tool_calls`)
  if (toolCalls.length > 0) message.tool_calls = toolCalls
  if (Array.isArray(citations) && citations.length > 0) message.annotations = citations.map((citation: unknown) => ({ type: 'cohere_citation', cohere_citation: citation }))
  return message
}

function toToolCalls (calls: unknown, path: string): ToolCall[] {
  if (calls === undefined || calls === null) return []
  if (!Array.isArray(calls)) throw invalid(path, `${path} must be an array.`)
  return (calls as unknown[]).map((call, index) => {
    const called = isRecord(call) ? call['function'] : null
    if (!isRecord(call) || typeof call['id'] !== 'string' || !isRecord(called) || typeof called['name'] !== 'string') throw invalid(`${path}[${index}]`, `${path}[${index}] must have an id and a function with a name.`)
    const text = called['arguments']
    return { id: call['id'], type: 'function', function: { name: called['name'], arguments: typeof text === 'string' && text !== '' ? text : '{}' } }
  })
}

function toTools (tools: unknown, strict: boolean): ChatTool[] | null {
  if (tools === undefined || tools === null) return null
  if (!Array.isArray(tools)) throw invalid('tools', 'tools must be an array.')
  return (tools as unknown[]).map((tool, index) => {
    const called = isRecord(tool) ? tool['function'] : null
    if (!isRecord(called) || typeof called['name'] !== 'string') throw invalid(`tools[${index}]`, `tools[${index}] must have a function with a name.`)
    return {
      type: 'function',
      function: {
        name: called['name'],
        ...typeof called['description'] === 'string' ? { description: called['description'] } : {},
        ...isRecord(called['parameters']) ? { parameters: called['parameters'] } : {},
        ...strict ? { strict } : {}
      }
    }
  })
}

function addResponseFormat (format: unknown, request: ChatRequest): void {
  if (!isRecord(format) || format['type'] !== 'json_object') return
  // `schema` is how version 1 of the API spelled it.
  const schema = format['json_schema'] ?? format['schema']
  request.response_format = isRecord(schema) ? { type: 'json_schema', json_schema: { name: 'response', schema, strict: true } } : { type: 'json_object' }
}

function addThinking (thinking: unknown, request: ChatRequest): void {
  if (!isRecord(thinking)) return
  const { type, token_budget: budget } = thinking
  request.reasoning = { enabled: type !== 'disabled', ...typeof budget === 'number' ? { max_tokens: budget } : {} }
}
