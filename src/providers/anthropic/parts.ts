import { cacheControlOf } from '../../api/anthropic-blocks.ts'
import type { AnthropicBlock } from '../../api/anthropic-blocks.ts'
import type { ContentPart, FilePart, ImagePart, JsonObject } from '../../api/chat.ts'
import { GatewayError } from '../../errors.ts'
import type { TranslationContext } from '../family.ts'

/** Parts of a user's or a tool's message as content blocks. Empty text is an error to Anthropic, and says nothing. */
export function toBlocks (content: string | readonly ContentPart[], context: TranslationContext): AnthropicBlock[] {
  if (typeof content === 'string') return hasText(content) ? [{ type: 'text', text: content }] : []
  return content.map((part) => toBlock(part, context)).filter((block) => block !== null)
}

/** @returns null for what Anthropic cannot take, which is noted */
function toBlock (part: ContentPart, context: TranslationContext): AnthropicBlock | null {
  switch (part.type) {
    case 'text': return toTextBlock(part.text, part)
    case 'refusal': return toTextBlock(part.refusal, part)
    case 'image_url': return { ...toImage(part, context), ...extrasOf(part) }
    case 'file': return toFile(part, context)
    case 'opaque':
      if (part.dialect === 'anthropic' && isBlock(part.value)) return part.value
      context.drop(`messages.content.${part.dialect}`)
      return null
    // Audio, and what the canonical form does not know.
    default:
      context.drop(`messages.content.${(part as { type: string }).type}`)
      return null
  }
}

export function toTextBlock (text: string, part: object): AnthropicBlock | null {
  return hasText(text) ? { type: 'text', text, ...cacheControlOf(part as AnthropicBlock) } : null
}

/** Text of nothing but white space is refused, too. */
export function hasText (text: unknown): boolean {
  return typeof text === 'string' && text.trim() !== ''
}

function extrasOf (part: ImagePart | FilePart): JsonObject {
  return { ...part.extra_content?.anthropic, ...cacheControlOf(part as unknown as AnthropicBlock) }
}

function toImage ({ image_url: { url, detail } }: ImagePart, context: TranslationContext): AnthropicBlock {
  if (detail !== undefined && detail !== null && detail !== 'auto') context.drop('messages.content.image_url.detail')
  if (/^https?:\/\//i.test(url)) return { type: 'image', source: { type: 'url', url } }
  const { mediaType, data } = parseDataUrl(url, 'messages.content.image_url.url')
  return { type: mediaType === 'application/pdf' ? 'document' : 'image', source: { type: 'base64', media_type: mediaType, data } }
}

function toFile (part: FilePart, context: TranslationContext): AnthropicBlock | null {
  const { file_data: data, file_url: url, file_id: id, filename } = part.file ?? {}
  const document = (source: JsonObject): AnthropicBlock => ({ type: 'document', source, ...(filename !== undefined && { title: filename }), ...extrasOf(part) })
  if (typeof data === 'string') {
    const file = parseDataUrl(data, 'messages.content.file.file_data')
    if (file.mediaType === 'application/pdf') return document({ type: 'base64', media_type: file.mediaType, data: file.data })
    if (file.mediaType.startsWith('image/')) return { type: 'image', source: { type: 'base64', media_type: file.mediaType, data: file.data }, ...extrasOf(part) }
    if (file.mediaType.startsWith('text/') || file.mediaType === 'application/json') return document({ type: 'text', media_type: 'text/plain', data: Buffer.from(file.data, 'base64').toString('utf8') })
  } else if (typeof url === 'string') return document({ type: 'url', url })
  else if (typeof id === 'string') return document({ type: 'file', file_id: id })
  context.drop('messages.content.file')
  return null
}

/** @throws GatewayError BIFROST_INVALID_REQUEST for anything but `data:<type>;base64,<data>` */
function parseDataUrl (url: string, param: string): { mediaType: string, data: string } {
  const match = /^data:([^;,]+)(?:;[^;,]*)*;base64,/i.exec(url)
  if (match === null) throw new GatewayError('BIFROST_INVALID_REQUEST', { param, message: `${param} must be an http(s) URL or a data URL with a media type and base64, not ${JSON.stringify(url.slice(0, 48))}.` })
  return { mediaType: (match[1] as string).toLowerCase(), data: url.slice(match[0].length) }
}

function isBlock (value: unknown): value is AnthropicBlock {
  return typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string'
}
