import type { AssistantMessage, CacheControl, ContentPart, JsonObject, ReasoningDetail, ToolCall } from './chat.ts'

/**
 * An assistant's turn between the canonical form and Anthropic's content blocks. A provider's answer is read with it and a client's
 * history; a client's answer is written with it and a provider's history: the two must agree, or signatures do not survive.
 */

/** A content block; members by its type. */
export interface AnthropicBlock { type: string, [member: string]: unknown }

/** Blocks of an assistant that have a place of their own in the canonical form. */
export type AssistantContent = Pick<AssistantMessage, 'content' | 'tool_calls' | 'reasoning_details' | 'reasoning_content' | 'annotations'>

export interface BlockWriter {
  /** @returns null when the reader cannot take it */
  toThinking (detail: ReasoningDetail): AnthropicBlock | null
  /** @returns null for a part that has no block */
  toPart (part: ContentPart): AnthropicBlock | null
  toToolId (id: string): string
}

/** Members of a `tool_use` that the canonical call has no place for. A direct caller is the usual one and goes unsaid. */
const toolExtras = ['cache_control', 'caller', 'toolset_name'] as const

/** @param fromSignature what a thinking block's signature says about its format */
export function fromAssistantBlocks (blocks: readonly AnthropicBlock[], fromSignature: (signature: string) => { format: string, signature: string }): AssistantContent {
  const parts: ContentPart[] = []
  const calls: ToolCall[] = []
  const details: ReasoningDetail[] = []
  const annotations: unknown[] = []
  let textLength = 0
  for (const [index, block] of blocks.entries()) {
    if (block.type === 'text') {
      const text = textOf(block['text'])
      parts.push({ type: 'text', text, ...cacheControlOf(block) })
      annotations.push(...citationsOf(block).map((citation) => toAnnotation(citation, textLength, textLength + text.length)))
      textLength += text.length
    } else if (block.type === 'thinking') {
      details.push({ type: 'reasoning.text', text: textOf(block['thinking']), ...fromSignature(textOf(block['signature'])), index })
    } else if (block.type === 'redacted_thinking') {
      const { format, signature: data } = fromSignature(textOf(block['data']))
      details.push({ type: 'reasoning.encrypted', data, format, index })
    } else if (block.type === 'tool_use') calls.push(fromToolUse(block))
    else parts.push({ type: 'opaque', dialect: 'anthropic', value: block })
  }
  return { content: parts.length === 0 ? null : parts, ...reasoningOf(details), ...(calls.length > 0 && { tool_calls: calls }), ...(annotations.length > 0 && { annotations }) }
}

function reasoningOf (details: readonly ReasoningDetail[]): Partial<AssistantContent> {
  if (details.length === 0) return {}
  const text = details.map((detail) => detail.type === 'reasoning.text' ? detail.text : '').join('')
  return { ...(text !== '' && { reasoning_content: text }), reasoning_details: [...details] }
}

function fromToolUse (block: AnthropicBlock): ToolCall {
  const call: ToolCall = { id: textOf(block['id']), type: 'function', function: { name: textOf(block['name']), arguments: JSON.stringify(block['input'] ?? {}) } }
  const extras = Object.fromEntries(toolExtras.filter((name) => block[name] !== undefined && block[name] !== null && !isDirect(block[name])).map((name) => [name, block[name]]))
  return Object.keys(extras).length === 0 ? call : { ...call, extra_content: { anthropic: extras } }
}

function isDirect (value: unknown): boolean {
  return isObject(value) && value['type'] === 'direct'
}

/** Blocks in the order in which a model says them: what it thought stands where its `index` puts it, and before its calls. */
export function toAssistantBlocks (message: AssistantMessage, writer: BlockWriter): AnthropicBlock[] {
  const blocks = [...toTextBlocks(message, writer), ...(message.tool_calls ?? []).map((call) => toToolUse(call, writer))]
  let next = 0
  for (const detail of listOf(message.reasoning_details)) {
    const block = writer.toThinking(detail)
    if (block === null) continue
    const firstCall = blocks.findIndex(({ type }) => type === 'tool_use')
    const last = firstCall < 0 ? blocks.length : firstCall
    const at = Math.max(next, Math.min(typeof detail.index === 'number' ? detail.index : next, last))
    blocks.splice(at, 0, block)
    next = at + 1
  }
  return blocks
}

function toTextBlocks (message: AssistantMessage, writer: BlockWriter): AnthropicBlock[] {
  const { content } = message
  const annotations = listOf(message.annotations)
  const parts: ContentPart[] = typeof content === 'string' ? [{ type: 'text', text: content }] : content ?? []
  let textLength = 0
  return parts.flatMap((part) => {
    const block = writer.toPart(part)
    if (part.type !== 'text') return block === null ? [] : [block]
    const start = textLength
    textLength += part.text.length
    const citations = annotations.map((annotation) => fromAnnotation(annotation, start, textLength)).filter((citation) => citation !== null)
    return block === null ? [] : [citations.length === 0 ? block : { ...block, citations }]
  })
}

function toToolUse (call: ToolCall, writer: BlockWriter): AnthropicBlock {
  return { type: 'tool_use', id: writer.toToolId(call.id), name: call.function.name, input: parseArguments(call.function.arguments), ...call.extra_content?.anthropic }
}

function parseArguments (text: string | undefined): JsonObject {
  try {
    const value: unknown = JSON.parse(text ?? '')
    return isObject(value) ? value : {}
  } catch {
    return {}
  }
}

/** A citation as OpenAI's annotation where it names a page, with the original beside it. Offsets are in UTF-16 units of the whole text. */
export function toAnnotation (citation: JsonObject, start: number, end: number): JsonObject {
  const url = citation['url'] ?? citation['source']
  const opaque = { dialect: 'anthropic', value: citation }
  if (typeof url !== 'string') return { type: 'opaque', start_index: start, end_index: end, ...opaque }
  return { type: 'url_citation', url_citation: { url, title: textOf(citation['title']), start_index: start, end_index: end }, opaque }
}

/** @returns Anthropic's citation when the annotation has one and ends in this piece of text; else null */
function fromAnnotation (annotation: unknown, start: number, end: number): JsonObject | null {
  if (!isObject(annotation)) return null
  const place = isObject(annotation['url_citation']) ? annotation['url_citation'] : annotation
  const at = place['end_index']
  if (typeof at !== 'number' || at <= start || at > end) return null
  return citationOf(annotation)
}

/** The citation that `toAnnotation` put into an annotation; null for another provider's. */
export function citationOf (annotation: unknown): JsonObject | null {
  if (!isObject(annotation)) return null
  const opaque = annotation['type'] === 'opaque' ? annotation : annotation['opaque']
  return isObject(opaque) && opaque['dialect'] === 'anthropic' && isObject(opaque['value']) ? opaque['value'] : null
}

function citationsOf (block: AnthropicBlock): JsonObject[] {
  return Array.isArray(block['citations']) ? block['citations'].filter(isObject) : []
}

export function cacheControlOf (block: AnthropicBlock): { cache_control?: CacheControl } {
  return isObject(block['cache_control']) ? { cache_control: block['cache_control'] as unknown as CacheControl } : {}
}

/** Letters, digits, `_` and `-`, as Anthropic wants them; other ids become such, the same one always the same. */
export function toAnthropicToolId (id: string): string {
  if (/^[a-zA-Z0-9_-]+$/.test(id)) return id
  // FNV-1a keeps ids apart that differ in such characters only.
  let hash = 0x811c9dc5
  for (const byte of Buffer.from(id)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0
  return `${id.replace(/[^a-zA-Z0-9_-]/g, '_')}_${hash.toString(16).padStart(8, '0')}`
}

/** Clients send back what they were sent, or something like it. */
function listOf<Item> (value: readonly Item[] | null | undefined): readonly Item[] {
  return Array.isArray(value) ? (value as Item[]).filter((item) => isObject(item)) : []
}

/** Text where it is text, else none. */
export function textOf (value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function isObject (value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
