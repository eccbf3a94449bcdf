import type { JsonObject } from '../../api/chat.ts'
import type { ImageReply, ImageRequest, MediaFile } from '../../api/media.ts'
import type { ImageProvider, ProviderRequest, TranslationContext } from '../family.ts'
import { isGiven } from '../is-given.ts'
import type { UrlOfVerb } from './chat.ts'
import { extraOptions, toCount, toOutputFormat, toOutputOptions, toShape } from './image-options.ts'
import { isImagen, ImagenProvider } from './imagen.ts'
import { invalidRequest } from './invalid-request.ts'
import { missing, partsOf, readReply } from './media-reply.ts'
import { traitsOf } from './models.ts'
import { toMediaUsage } from './usage.ts'
import type { Part } from './wire.ts'

const ratios = ['1:1', '2:3', '3:2', '3:4', '4:3', '4:5', '5:4', '9:16', '16:9', '21:9']

/** Gemini's models that draw, by generateContent, and Imagen's, by predict. @param hasOutputOptions the API lets the format be chosen */
export function createImageProvider (provider: string, urlOf: UrlOfVerb, hasOutputOptions: boolean): (model: string) => ImageProvider {
  const imagen = new ImagenProvider(provider, urlOf)
  const gemini: ImageProvider = {
    toImageRequest: (request, context) => ({ url: urlOf(context.model, 'generateContent', context.keyIndex), body: toDrawing(request, hasOutputOptions, context) }),
    fromImageReply: (body) => fromDrawing(provider, body)
  }
  return (model) => isImagen(model) ? imagen : gemini
}

function toDrawing (request: ImageRequest, hasOutputOptions: boolean, context: TranslationContext): ProviderRequest['body'] {
  // "Multiple candidates is not enabled for this model", say all of them.
  toCount(request.options['n'], 1, context.model)
  // In a form it would be text.
  const { generationConfig: own, ...extra } = extraOptions(request, context)
  if (typeof own === 'string') context.drop('generationConfig')
  const config = toImageConfig(request, hasOutputOptions, context)
  return {
    contents: [{ role: 'user', parts: [{ text: request.prompt }, ...request.images.map(toImagePart)] }],
    generationConfig: { responseModalities: ['TEXT', 'IMAGE'], ...Object.keys(config).length === 0 ? {} : { imageConfig: config }, ...typeof own === 'object' ? own : {} },
    ...extra
  }
}

function toImageConfig (request: ImageRequest, hasOutputOptions: boolean, context: TranslationContext): JsonObject {
  const { size, output_format: format, output_compression: compression } = request.options
  const config: JsonObject = {}
  if (isGiven(size) && size !== 'auto') {
    const shape = toShape(size, ratios)
    const isLarge = shape !== null && shape.size !== '1K'
    // Gemini 2.5 draws in one size, and refuses to hear of another.
    const hasSizes = traitsOf(context.model).isThird
    if (shape !== null) config['aspectRatio'] = shape.aspectRatio
    if (isLarge && hasSizes) config['imageSize'] = shape.size
    if (shape === null || (isLarge && !hasSizes)) context.drop('size')
  }
  const output = hasOutputOptions ? toOutputOptions(request, context) : null
  if (output !== null) config['imageOutputOptions'] = output
  if (!hasOutputOptions && isGiven(format)) context.drop('output_format')
  if (!hasOutputOptions && isGiven(compression)) context.drop('output_compression')
  return config
}

/** By the endings of file names. */
const mimeTypes: ReadonlyMap<string, string> = new Map([['png', 'image/png'], ['jpg', 'image/jpeg'], ['jpeg', 'image/jpeg'], ['webp', 'image/webp'], ['heic', 'image/heic'], ['heif', 'image/heif'], ['gif', 'image/gif']])

function toImagePart ({ name, contentType, bytes }: MediaFile): Part {
  const essence = contentType.split(';')[0]?.trim().toLowerCase() ?? ''
  const mimeType = essence.startsWith('image/') ? essence : mimeTypes.get(/\.([a-z]+)$/i.exec(name)?.[1]?.toLowerCase() ?? '')
  if (mimeType === undefined) throw invalidRequest('image', `image must have a content type of an image, or a file name that ends in ${[...mimeTypes.keys()].join(', ')}; it is ${JSON.stringify(name.slice(0, 64))}.`)
  return { inlineData: { mimeType, data: bytes.toString('base64') } }
}

function fromDrawing (provider: string, body: unknown): ImageReply {
  const reply = readReply(provider, body)
  const images = partsOf(reply).flatMap(({ inlineData }) => typeof inlineData?.data === 'string' && String(inlineData.mimeType).startsWith('image/') ? [inlineData] : [])
  if (images.length === 0) throw missing(provider, reply, 'image')
  const format = toOutputFormat(images[0]?.mimeType)
  const usage = toMediaUsage(reply.usageMetadata)
  return {
    created: 0,
    data: images.map(({ data }) => ({ b64_json: data })),
    ...format === undefined ? {} : { output_format: format },
    ...usage === null ? {} : { usage }
  }
}
