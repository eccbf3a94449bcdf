import type { CacheControl, ContentPart } from '../../api/chat.ts'
import type { TranslationContext } from '../family.ts'
import { invalid } from './invalid.ts'
import { toAudioBlock, toDocumentBlock, toImageBlock } from './media.ts'
import type { CachePoint, ContentBlock } from './wire.ts'

/** Lifetimes of a cache point that Bedrock knows. */
const lifetimes: ReadonlySet<string> = new Set(['5m', '1h'])

export function toCachePoint (control: CacheControl | null | undefined): CachePoint[] {
  if (control === null || control === undefined) return []
  const { ttl } = control
  return [{ cachePoint: { type: 'default', ...ttl !== undefined && lifetimes.has(ttl) ? { ttl } : {} } }]
}

/** Bedrock refuses blank texts; they say nothing. */
function toTextBlocks (text: string): { text: string }[] {
  return text.trim() === '' ? [] : [{ text }]
}

/**
 * Parts of a message, cache points behind what they end.
 * @param path of the content in the client's request
 * @param names of the documents so far
 */
export function toBlocks (content: string | readonly ContentPart[] | null | undefined, path: string, names: Set<string>, context: TranslationContext): ContentBlock[] {
  if (content === null || content === undefined) return []
  if (typeof content === 'string') return toTextBlocks(content)
  return content.flatMap((part, index) => {
    const blocks = toPartBlocks(part, `${path}[${index}]`, names, context)
    return 'cache_control' in part ? [...blocks, ...toCachePoint(part.cache_control)] : blocks
  })
}

function toPartBlocks (part: ContentPart, path: string, names: Set<string>, context: TranslationContext): ContentBlock[] {
  switch (part.type) {
    case 'text': return toTextBlocks(part.text)
    case 'refusal': return toTextBlocks(part.refusal)
    case 'image_url': return [toImageBlock(part, path)]
    case 'input_audio': return [toAudioBlock(part)]
    case 'file': return [toDocumentBlock(part, path, names)]
    case 'opaque': {
      if (part.dialect === 'bedrock') return [part.value as ContentBlock]
      context.drop(`messages.content.${part.dialect}`)
      return []
    }
    default: throw invalid(path, `${path} is of a type that Bedrock does not know: ${String((part as { type: unknown }).type)}.`)
  }
}
