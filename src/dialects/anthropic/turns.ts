import { cacheControlOf, fromAssistantBlocks, textOf } from '../../api/anthropic-blocks.ts'
import type { AnthropicBlock } from '../../api/anthropic-blocks.ts'
import type { AssistantMessage, ChatMessage, ContentPart, JsonObject, TextPart, ToolMessage } from '../../api/chat.ts'
import { checkBlocks, invalid, isObject } from './checks.ts'
import { fromSignature, takeCallSignatures } from './signatures.ts'

/** A message of the client. Results of tools become messages of their own, before what else the user says. */
export function fromTurn (turn: unknown, path: string): ChatMessage[] {
  if (!isObject(turn)) throw invalid(path, `${path} must be an object.`)
  const { role, content } = turn
  if (role !== 'user' && role !== 'assistant' && role !== 'system') throw invalid(`${path}.role`, `${path}.role must be user, assistant or system.`)
  if (typeof content === 'string') return [{ role, content }]
  const blocks = checkBlocks(content, `${path}.content`)
  if (role === 'system') return [{ role, content: toTextParts(blocks, `${path}.content`) }]
  if (role === 'assistant') return [fromAssistant(blocks)]
  const results = blocks.filter(({ type }) => type === 'tool_result').map((block) => fromToolResult(block, path))
  const parts = blocks.filter(({ type }) => type !== 'tool_result').map(toPart)
  return parts.length === 0 ? results : [...results, { role, content: parts }]
}

function fromAssistant (content: readonly AnthropicBlock[]): AssistantMessage {
  const { blocks, signatures } = takeCallSignatures(content)
  const { reasoning_content: _text, ...said } = fromAssistantBlocks(blocks, fromSignature)
  for (const [index, call] of (said.tool_calls ?? []).entries()) {
    const signature = signatures.get(index)
    if (signature !== undefined) call.extra_content = { ...call.extra_content, google: { thought_signature: signature } }
  }
  return { role: 'assistant', ...said }
}

function fromToolResult (block: AnthropicBlock, path: string): ToolMessage {
  const { content } = block
  return {
    role: 'tool',
    tool_call_id: block['tool_use_id'] as string,
    content: typeof content === 'string' ? content : content === undefined || content === null ? '' : checkBlocks(content, `${path}.content`).map(toPart),
    ...(typeof block['is_error'] === 'boolean' && { is_error: block['is_error'] }),
    ...cacheControlOf(block)
  }
}

export function toTextParts (blocks: readonly unknown[], path: string): TextPart[] {
  return checkBlocks(blocks, path).map((block, index) => {
    if (block.type !== 'text') throw invalid(`${path}[${index}].type`, `${path}[${index}] must be a text block.`)
    return { type: 'text', text: block['text'] as string, ...cacheControlOf(block) }
  })
}

/** Blocks that only Anthropic has go along as they are. */
function toPart (block: AnthropicBlock): ContentPart {
  const opaque: ContentPart = { type: 'opaque', dialect: 'anthropic', value: block }
  if (block.type === 'text') return { type: 'text', text: block['text'] as string, ...cacheControlOf(block) }
  const source = block['source'] as AnthropicBlock
  if (block.type === 'image') {
    const url = toUrl(source)
    return url === null ? opaque : { type: 'image_url', image_url: { url }, ...extrasOf(block, ['transformations']) }
  }
  if (block.type === 'document') {
    const file = toFile(source)
    return file === null ? opaque : { type: 'file', file: { ...(typeof block['title'] === 'string' && { filename: block['title'] }), ...file }, ...extrasOf(block, ['citations', 'context']) }
  }
  return opaque
}

function toUrl (source: AnthropicBlock): string | null {
  if (source.type === 'url' && typeof source['url'] === 'string') return source['url']
  return source.type === 'base64' && typeof source['data'] === 'string' ? `data:${textOf(source['media_type'])};base64,${source['data']}` : null
}

function toFile (source: AnthropicBlock): { file_data: string } | { file_url: string } | { file_id: string } | null {
  const url = toUrl(source)
  if (url !== null) return source.type === 'url' ? { file_url: url } : { file_data: url }
  if (source.type === 'text' && typeof source['data'] === 'string') return { file_data: `data:text/plain;base64,${Buffer.from(source['data']).toString('base64')}` }
  return source.type === 'file' && typeof source['file_id'] === 'string' ? { file_id: source['file_id'] } : null
}

function extrasOf (block: AnthropicBlock, names: readonly string[]): JsonObject {
  const extras = Object.fromEntries(names.filter((name) => block[name] !== undefined && block[name] !== null).map((name) => [name, block[name]]))
  return { ...(Object.keys(extras).length > 0 && { extra_content: { anthropic: extras } }), ...cacheControlOf(block) }
}
