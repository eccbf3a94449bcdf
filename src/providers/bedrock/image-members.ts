import type { JsonObject } from '../../api/chat.ts'
import type { ImageRequest, MediaFile } from '../../api/media.ts'
import type { TranslationContext } from '../family.ts'
import { isGiven } from '../is-given.ts'
import { invalid } from './invalid.ts'

/** OpenAI's members: those that a model has no word for are never passed on. Beside them, the values that ask for nothing. */
const openAiOnly: ReadonlyMap<string, readonly unknown[]> = new Map<string, readonly unknown[]>([
  ['background', ['auto']],
  ['input_fidelity', []],
  ['mask', []],
  ['moderation', ['auto']],
  ['n', []],
  ['output_compression', []],
  ['output_format', []],
  ['partial_images', [0, '0']],
  ['prompt', ['']],
  ['quality', ['auto']],
  // Bedrock has no other way to give them.
  ['response_format', ['b64_json']],
  ['size', ['auto']],
  ['stream', [false, 'false']],
  ['style', []],
  ['user', []]
])

/** The members of a request for images. Who has a word for one takes it; what is left at the end is dropped or passed on. */
export class ImageMembers {
  /** As base64. */
  readonly images: readonly string[]
  readonly operation: ImageRequest['operation']
  /** As it goes upstream. */
  readonly model: string
  private readonly left: Map<string, unknown>

  constructor ({ operation, prompt, images, mask, options }: ImageRequest, model: string) {
    this.operation = operation
    this.model = model
    this.images = images.map(toBase64)
    const all = Object.entries({ ...options, prompt, mask: mask === null ? null : toBase64(mask) })
    this.left = new Map(all.filter(([name, value]) => isGiven(value) && openAiOnly.get(name)?.includes(value) !== true))
  }

  has (name: string): boolean {
    return this.left.has(name)
  }

  /** @returns undefined, and leaves it, where it is not there or not as wanted */
  takeIf (name: string, isWanted: (text: string) => boolean): string | undefined {
    const value = this.left.get(name)
    return typeof value === 'string' && isWanted(value) ? this.text(name) : undefined
  }

  /** @throws GatewayError naming the member */
  text (name: string): string | undefined {
    const value = this.take(name)
    if (value === undefined || typeof value === 'string') return value
    throw invalid(name, `${name} must be text, not ${shown(value)}.`)
  }

  /** @throws GatewayError naming the member */
  number (name: string): number | undefined {
    const value = this.take(name)
    const number = typeof value === 'string' && this.isForm && value.trim() !== '' ? Number(value) : value
    if (number === undefined || (typeof number === 'number' && Number.isFinite(number))) return number
    throw invalid(name, `${name} must be a number, not ${shown(value)}.`)
  }

  /** OpenAI's `n`. @throws GatewayError saying what is allowed */
  count (countMax: number): number | undefined {
    const count = this.number('n')
    if (count === undefined || (Number.isInteger(count) && count >= 1 && count <= countMax)) return count
    throw invalid('n', `n must be ${countMax === 1 ? '1' : `a whole number from 1 to ${countMax}`} for ${this.model}, not ${count}.`)
  }

  /** The only one. @throws GatewayError where there are several */
  image (): string {
    const [image = '', ...others] = this.images
    if (others.length > 0) throw invalid('image', `image must be one file for this edit by ${this.model}, not ${this.images.length}.`)
    return image
  }

  /** @returns what nobody has taken, where the client wants that to go along; of a form as JSON where it is JSON */
  rest (context: TranslationContext): JsonObject {
    const passed: JsonObject = {}
    for (const [name, value] of this.left) {
      if (context.passExtraParams && !openAiOnly.has(name)) passed[name] = this.isForm ? fromText(value) : value
      else context.drop(name)
    }
    return passed
  }

  /** It has nothing but texts and files. */
  private get isForm (): boolean {
    return this.operation !== 'image_generation'
  }

  private take (name: string): unknown {
    const value = this.left.get(name)
    this.left.delete(name)
    return value
  }
}

function toBase64 ({ bytes }: MediaFile): string {
  return bytes.toString('base64')
}

function fromText (value: unknown): unknown {
  try {
    return JSON.parse(String(value))
  } catch {
    return value
  }
}

function shown (value: unknown): string {
  return JSON.stringify(value).slice(0, 64)
}
