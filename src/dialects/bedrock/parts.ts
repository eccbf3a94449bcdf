import type { CacheControl, ContentPart } from '../../api/chat.ts'
import type { ClientBlock } from './wire.ts'

const mediaTypes: Readonly<Record<string, string>> = {
  pdf: 'application/pdf',
  csv: 'text/csv',
  doc: 'application/msword',
  docx: 'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  xls: 'application/vnd.ms-excel',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  html: 'text/html',
  txt: 'text/plain',
  md: 'text/markdown'
}

export function toCacheControl ({ ttl }: { ttl?: string }): CacheControl {
  return { type: 'ephemeral', ...ttl === undefined ? {} : { ttl } }
}

/**
 * Blocks as parts; a cache point becomes the mark of the part before it. What no part can say stays as it is, for Bedrock alone. What
 * tools and searches found becomes text, since everybody can read that.
 */
function toParts (blocks: readonly ClientBlock[]): ContentPart[] {
  const parts: ContentPart[] = []
  for (const block of blocks) {
    if (block.cachePoint === undefined) {
      parts.push(toPart(block))
      continue
    }
    const last = parts.at(-1)
    if (last !== undefined && last.type !== 'opaque' && last.type !== 'refusal') last.cache_control = toCacheControl(block.cachePoint)
  }
  return parts
}

/** One text alone is text, as most clients write it. */
export function toContent (blocks: readonly ClientBlock[]): string | ContentPart[] {
  const parts = toParts(blocks)
  const [only] = parts
  return parts.length === 1 && only?.type === 'text' && only.cache_control === undefined ? only.text : parts
}

function toPart (block: ClientBlock): ContentPart {
  const { text, image, audio, document } = block
  if (typeof text === 'string') return { type: 'text', text }
  if (typeof image?.source?.bytes === 'string') return { type: 'image_url', image_url: { url: `data:image/${image.format ?? 'png'};base64,${image.source.bytes}` } }
  if (typeof audio?.source?.bytes === 'string') return { type: 'input_audio', input_audio: { data: audio.source.bytes, format: audio.format ?? 'wav' } }
  if (document !== undefined) return toFilePart(document) ?? { type: 'opaque', dialect: 'bedrock', value: block }
  const said = textOf(block)
  return said === null ? { type: 'opaque', dialect: 'bedrock', value: block } : { type: 'text', text: said }
}

function toFilePart ({ format = 'txt', name = 'document', source }: NonNullable<ClientBlock['document']>): ContentPart | null {
  const text = source?.text ?? source?.content?.map((part) => part.text ?? '').join('\n')
  const bytes = source?.bytes ?? (text === undefined ? undefined : Buffer.from(text).toString('base64'))
  if (bytes === undefined) return null
  return { type: 'file', file: { filename: `${name}.${format}`, file_data: `data:${mediaTypes[format] ?? 'application/octet-stream'};base64,${bytes}` } }
}

function textOf ({ json, searchResult, guardContent, citationsContent }: ClientBlock): string | null {
  if (json !== undefined) return JSON.stringify(json)
  if (searchResult !== undefined) return [searchResult.title, searchResult.source, ...(searchResult.content ?? []).map(({ text }) => text)].filter((line) => line !== undefined).join('\n')
  if (guardContent?.text?.text !== undefined) return guardContent.text.text
  return citationsContent === undefined ? null : (citationsContent.content ?? []).map(({ text }) => text ?? '').join('')
}
