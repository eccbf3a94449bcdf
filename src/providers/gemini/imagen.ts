import type { JsonObject } from '../../api/chat.ts'
import type { ImageReply, ImageRequest } from '../../api/media.ts'
import { GatewayError } from '../../errors.ts'
import { badResponse } from '../bad-response.ts'
import type { ImageProvider, ProviderRequest, TranslationContext } from '../family.ts'
import { isGiven } from '../is-given.ts'
import type { UrlOfVerb } from './chat.ts'
import { toEmbeddedError } from './errors.ts'
import { extraOptions, toCount, toOutputFormat, toOutputOptions, toShape } from './image-options.ts'
import { withheld } from './media-reply.ts'

const ratios = ['1:1', '3:4', '4:3', '9:16', '16:9']
const countMax = 4

interface Prediction {
  bytesBase64Encoded?: string
  mimeType?: string
  /** As Imagen has rewritten it. */
  prompt?: string
  raiFilteredReason?: string
}

/** They draw and do nothing else: not in chats, and not by generateContent. */
export function isImagen (model: string): boolean {
  return /(?:^|\/)imagen-/.test(model)
}

/** `:predict` of Imagen's models. */
export class ImagenProvider implements ImageProvider {
  private readonly provider: string
  private readonly urlOf: UrlOfVerb

  constructor (provider: string, urlOf: UrlOfVerb) {
    this.provider = provider
    this.urlOf = urlOf
  }

  toImageRequest (request: ImageRequest, context: TranslationContext): ProviderRequest {
    const { model, keyIndex } = context
    if (request.operation !== 'image_generation') throw new GatewayError('BIFROST_UNSUPPORTED_OPERATION', { provider: this.provider, param: 'model', message: `${request.operation} of ${model} is not supported by ${this.provider}; Gemini's own image models do it.` })
    return { url: this.urlOf(model, 'predict', keyIndex), body: { instances: [{ prompt: request.prompt }], parameters: toParameters(request, context) } }
  }

  fromImageReply (body: unknown): ImageReply {
    const error = toEmbeddedError(this.provider, body)
    if (error !== null) throw error
    if (typeof body !== 'object' || body === null) throw badResponse(this.provider, 'no predictions')
    const { predictions = [] } = body as { predictions?: Prediction[] }
    if (!Array.isArray(predictions)) throw badResponse(this.provider, 'no predictions')
    const drawn = predictions.filter(({ bytesBase64Encoded }) => typeof bytesBase64Encoded === 'string')
    // Images that its filters held back are left out, and so are the predictions where that was all of them.
    if (drawn.length === 0) throw withheld(this.provider, 'image', 'safety filters', predictions[0]?.raiFilteredReason)
    const format = toOutputFormat(drawn[0]?.mimeType)
    return {
      created: 0,
      data: drawn.map(({ bytesBase64Encoded, prompt }) => ({ b64_json: bytesBase64Encoded as string, ...typeof prompt === 'string' ? { revised_prompt: prompt } : {} })),
      ...format === undefined ? {} : { output_format: format }
    }
  }
}

function toParameters (request: ImageRequest, context: TranslationContext): JsonObject {
  const { n, size } = request.options
  const shape = isGiven(size) && size !== 'auto' ? toShape(size, ratios) : undefined
  if (shape === null) context.drop('size')
  const output = toOutputOptions(request, context)
  return {
    // Google's default is 4.
    sampleCount: toCount(n, countMax, context.model),
    ...shape === null || shape === undefined ? {} : { aspectRatio: shape.aspectRatio, ...shape.size === '1K' ? {} : { sampleImageSize: '2K' } },
    ...output === null ? {} : { outputOptions: output },
    ...extraOptions(request, context)
  }
}
