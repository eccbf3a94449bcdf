import type { JsonObject } from '../../api/chat.ts'
import type { ImageMembers } from './image-members.ts'
import { parseSize, toStabilityRatio } from './image-size.ts'
import { invalid } from './invalid.ts'

/** How much of the image may change where the client does not say; Stable Diffusion has to be told, and this is what Stability's examples say. */
const defaultStrength = 0.75

const drawing = ['prompt', 'negative_prompt', 'seed']

/** Services that change an image, and what each takes beside it. */
const services: readonly [RegExp, readonly string[]][] = [
  [/stable-image-inpaint/, [...drawing, 'mask', 'grow_mask', 'style_preset']],
  [/stable-image-erase-object/, ['seed', 'mask', 'grow_mask']],
  [/stable-image-remove-background/, []],
  [/stable-image-search-replace/, [...drawing, 'search_prompt', 'grow_mask', 'style_preset']],
  [/stable-image-search-recolor/, [...drawing, 'select_prompt', 'grow_mask', 'style_preset']],
  [/stable-image-control-(sketch|structure)/, [...drawing, 'control_strength', 'style_preset']],
  [/stable-image-style-guide/, [...drawing, 'aspect_ratio', 'fidelity', 'style_preset']],
  [/stable-style-transfer/, [...drawing, 'style_strength', 'composition_fidelity', 'change_strength']],
  [/stable-outpaint/, [...drawing, 'left', 'right', 'up', 'down', 'creativity', 'style_preset']],
  [/stable-creative-upscale/, [...drawing, 'creativity', 'style_preset']],
  [/stable-conservative-upscale/, [...drawing, 'creativity']],
  [/stable-fast-upscale/, []]
]

/** The others are text. */
const numbers: ReadonlySet<string> = new Set([
  'seed', 'grow_mask', 'control_strength', 'fidelity', 'style_strength', 'composition_fidelity', 'change_strength', 'left', 'right', 'up', 'down', 'creativity'
])

/** Stability's models: all of them have one answer to one call. @returns null when this model has no such operation */
export function toStabilityBody (members: ImageMembers): JsonObject | null {
  const { operation, model } = members
  members.count(1)
  const service = services.find(([name]) => name.test(model))?.[1]
  if (service !== undefined) return operation === 'image_edit' ? { ...toServiceImages(members), ...toNamed(members, service), ...toFormat(members, ['png', 'jpeg', 'webp']) } : null
  const isDiffusion = /\bsd3/.test(model)
  if (operation === 'image_edit' && isDiffusion) {
    return { mode: 'image-to-image', image: members.image(), strength: members.number('strength') ?? defaultStrength, ...toNamed(members, drawing), ...toFormat(members, ['png', 'jpeg']) }
  }
  if (operation !== 'image_generation') return null
  return { ...isDiffusion ? { mode: 'text-to-image' } : {}, ...toNamed(members, [...drawing, 'aspect_ratio']), ...toFormat(members, ['png', 'jpeg']) }
}

function toServiceImages (members: ImageMembers): JsonObject {
  const { images, model } = members
  if (!/stable-style-transfer/.test(model)) return { image: members.image() }
  const [image, style] = images
  if (images.length !== 2) throw invalid('image', `image must be two files for ${model}, the image and the one that has the style, not ${images.length}.`)
  return { init_image: image, style_image: style }
}

function toNamed (members: ImageMembers, names: readonly string[]): JsonObject {
  const body: JsonObject = {}
  for (const name of names) {
    const value = name === 'aspect_ratio' ? toRatio(members) : numbers.has(name) ? members.number(name) : members.text(name)
    if (value !== undefined) body[name] = value
  }
  return body
}

/** It draws no exact sizes. */
function toRatio (members: ImageMembers): string | undefined {
  const ratio = members.text('aspect_ratio')
  if (ratio !== undefined) return ratio
  const ratioOf = (text: string): string | null => {
    const size = parseSize(text)
    return size === null ? null : toStabilityRatio(size)
  }
  const size = members.takeIf('size', (text) => ratioOf(text) !== null)
  return size === undefined ? undefined : ratioOf(size) ?? undefined
}

function toFormat (members: ImageMembers, formats: readonly string[]): JsonObject {
  const format = members.takeIf('output_format', (text) => formats.includes(text))
  return format === undefined ? {} : { output_format: format }
}
