import type { JsonObject } from '../../api/chat.ts'
import type { ImageRequest } from '../../api/media.ts'
import type { TranslationContext } from '../family.ts'
import { isGiven } from '../is-given.ts'
import { invalidRequest } from './invalid-request.ts'

/** How large and of what shape, in Google's words. */
interface ImageShape {
  aspectRatio: string
  /** Of an edge, in units of 1024 pixels. */
  size: '1K' | '2K' | '4K'
}

/** How far from a ratio of Google's a size may be: OpenAI's 1792x1024 is meant as 16:9. */
const ratioTolerance = 0.03

/**
 * The nearest that Google has. It draws no exact sizes.
 * @param size OpenAI's `1536x1024`
 * @returns null when it has no such shape
 */
export function toShape (size: unknown, ratios: readonly string[]): ImageShape | null {
  const [, width = 0, height = 0] = (/^(\d{1,5})x(\d{1,5})$/.exec(String(size)) ?? []).map(Number)
  if (width === 0 || height === 0) return null
  const aspectRatio = ratios.find((ratio) => Math.abs(valueOf(ratio) / (width / height) - 1) <= ratioTolerance)
  if (aspectRatio === undefined) return null
  const doublings = Math.round(Math.log2(Math.sqrt(width * height) / 1024))
  return { aspectRatio, size: doublings <= 0 ? '1K' : doublings === 1 ? '2K' : '4K' }
}

function valueOf (ratio: string): number {
  const [width, height] = ratio.split(':')
  return Number(width) / Number(height)
}

/** OpenAI's `n`, in a form a text. @throws GatewayError naming what is allowed */
export function toCount (value: unknown, countMax: number, model: string): number {
  if (!isGiven(value)) return 1
  const count = typeof value === 'string' && /^\d{1,4}$/.test(value) ? Number(value) : value
  if (typeof count === 'number' && Number.isInteger(count) && count >= 1 && count <= countMax) return count
  throw invalidRequest('n', `n must be ${countMax === 1 ? '1' : `a whole number from 1 to ${countMax}`} for ${model}, not ${JSON.stringify(value).slice(0, 64)}.`)
}

const mimeTypes: ReadonlyMap<unknown, string> = new Map([['png', 'image/png'], ['jpeg', 'image/jpeg']])

/** @returns null when nothing is asked for, or nothing that Google has; the client is told */
export function toOutputOptions ({ options }: ImageRequest, context: TranslationContext): { mimeType: string, compressionQuality?: number } | null {
  const { output_format: format, output_compression: compression } = options
  const mimeType = mimeTypes.get(format)
  const quality = Number(compression)
  const isCompressed = mimeType === 'image/jpeg' && isGiven(compression) && Number.isInteger(quality) && quality >= 0 && quality <= 100
  if (mimeType === undefined && isGiven(format)) context.drop('output_format')
  if (isGiven(compression) && !isCompressed) context.drop('output_compression')
  return mimeType === undefined ? null : { mimeType, ...isCompressed ? { compressionQuality: quality } : {} }
}

/** Read elsewhere, or without a meaning for a provider. */
const understood: ReadonlySet<string> = new Set(['n', 'size', 'output_format', 'output_compression', 'stream', 'fallbacks'])
/** OpenAI's, without a counterpart, and the values that ask for nothing: an image is given as base64 whatever the client wants. */
const openAiOnly: ReadonlyMap<string, readonly unknown[]> = new Map([
  ['background', ['auto']],
  ['input_fidelity', []],
  ['moderation', ['auto']],
  ['partial_images', [0, '0']],
  ['quality', ['auto', 'standard']],
  ['response_format', ['b64_json']],
  ['style', []],
  ['user', []]
])

/** What the client says beside OpenAI's words goes along where it wants that; everything else is named as dropped. */
export function extraOptions ({ options, mask }: ImageRequest, context: TranslationContext): JsonObject {
  const extra: JsonObject = {}
  if (mask !== null) context.drop('mask')
  for (const [name, value] of Object.entries(options)) {
    if (understood.has(name) || !isGiven(value) || openAiOnly.get(name)?.includes(value) === true) continue
    if (context.passExtraParams && !openAiOnly.has(name)) extra[name] = value
    else context.drop(name)
  }
  return extra
}

/** OpenAI's name of a format; undefined for one that it has no name for. */
export function toOutputFormat (mimeType: unknown): string | undefined {
  return /^image\/(png|jpeg|webp)$/.exec(String(mimeType))?.[1]
}
