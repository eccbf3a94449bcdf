import type { JsonObject } from '../../api/chat.ts'
import type { ImageMembers } from './image-members.ts'
import { parseSize, toNovaSize, toTitanSize } from './image-size.ts'
import type { ImageSize } from './image-size.ts'
import { invalid } from './invalid.ts'

const imagesMax = 5

/** What an edit is by its member `type`, which is a word of the Go original's. */
const editTasks: ReadonlyMap<string, string> = new Map([['inpainting', 'INPAINTING'], ['outpainting', 'OUTPAINTING'], ['background_removal', 'BACKGROUND_REMOVAL']])

/** Amazon's Titan Image Generator and Nova Canvas. Members that OpenAI does not have go by the names of the Go original, and by Amazon's. */
export function toCanvasBody (members: ImageMembers): JsonObject {
  const taskType = taskOf(members)
  switch (taskType) {
    case 'BACKGROUND_REMOVAL': return { taskType, backgroundRemovalParams: { image: members.image() } }
    case 'TEXT_IMAGE': return { taskType, textToImageParams: { ...toTexts(members), ...given('style', toStyle(members)) }, imageGenerationConfig: toConfig(members) }
    case 'INPAINTING': return { taskType, inPaintingParams: { ...toTexts(members), ...toMasked(members) }, imageGenerationConfig: toConfig(members) }
    case 'OUTPAINTING': return { taskType, outPaintingParams: { ...toTexts(members), ...toMasked(members), ...given('outPaintingMode', members.text('outpainting_mode')?.toUpperCase()) }, imageGenerationConfig: toConfig(members) }
    default: return { taskType, imageVariationParams: { ...toTexts(members), ...toVaried(members) }, imageGenerationConfig: toConfig(members) }
  }
}

/** An edit that does not say where is a variation that follows the prompt. */
function taskOf (members: ImageMembers): string {
  if (members.operation === 'image_generation') return 'TEXT_IMAGE'
  if (members.operation === 'image_variation') return 'IMAGE_VARIATION'
  const type = members.text('type')
  if (type === undefined) return members.has('mask') || members.has('mask_prompt') ? 'INPAINTING' : 'IMAGE_VARIATION'
  const task = editTasks.get(type.toLowerCase())
  if (task === undefined) throw invalid('type', `type must be one of ${[...editTasks.keys()].join(', ')}, not ${JSON.stringify(type.slice(0, 64))}.`)
  return task
}

function toTexts (members: ImageMembers): JsonObject {
  return { ...given('text', members.text('prompt')), ...given('negativeText', members.text('negative_prompt') ?? members.text('negativeText')) }
}

/** OpenAI's two are none of Nova's; Titan has none. */
function toStyle (members: ImageMembers): string | undefined {
  return isNova(members) ? members.takeIf('style', (style) => style !== 'vivid' && style !== 'natural') : undefined
}

/** What is black in the mask is painted; one that is transparent there, as OpenAI's are, these models refuse. */
function toMasked (members: ImageMembers): JsonObject {
  const image = members.image()
  const maskImage = members.text('mask')
  if (maskImage !== undefined) return { image, maskImage }
  const maskPrompt = members.text('mask_prompt')
  if (maskPrompt === undefined) throw invalid('mask', `mask is required for this edit by ${members.model}, as a file of the form; or mask_prompt, which says in words where it is.`)
  return { image, maskPrompt }
}

function toVaried (members: ImageMembers): JsonObject {
  const { images, model } = members
  if (images.length > imagesMax) throw invalid('image', `image must be at most ${imagesMax} files for ${model}, not ${images.length}.`)
  return { images, ...given('similarityStrength', members.number('similarity_strength') ?? members.number('similarityStrength')) }
}

function toConfig (members: ImageMembers): JsonObject {
  const sizeOf = (text: string): ImageSize | null => {
    const size = parseSize(text)
    return size === null ? null : isNova(members) ? toNovaSize(size) : toTitanSize(size)
  }
  const size = members.takeIf('size', (text) => sizeOf(text) !== null)
  const quality = members.text('quality')
  // All that they draw is PNG.
  members.takeIf('output_format', (format) => format === 'png')
  return {
    ...given('numberOfImages', members.count(imagesMax)),
    ...size === undefined ? {} : sizeOf(size),
    ...given('quality', quality === undefined ? undefined : /^(hd|high|premium)$/i.test(quality) ? 'premium' : 'standard'),
    ...given('cfgScale', members.number('cfg_scale') ?? members.number('cfgScale')),
    ...given('seed', members.number('seed'))
  }
}

function isNova ({ model }: ImageMembers): boolean {
  return /nova-canvas/.test(model)
}

function given (name: string, value: unknown): JsonObject {
  return value === undefined ? {} : { [name]: value }
}
