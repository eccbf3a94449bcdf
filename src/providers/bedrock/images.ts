import type { JsonObject } from '../../api/chat.ts'
import type { ImageReply, ImageRequest } from '../../api/media.ts'
import { GatewayError } from '../../errors.ts'
import { badResponse } from '../bad-response.ts'
import type { ImageProvider, ProviderRequest, TranslationContext } from '../family.ts'
import { toEmbeddedError, toImageError } from './errors.ts'
import { toCanvasBody } from './image-canvas.ts'
import { ImageMembers } from './image-members.ts'
import { toStabilityBody } from './image-stability.ts'

/** By the id of the model; the first match wins. Stable Diffusion XL and its elders had words of their own, and are gone. */
const models: readonly [RegExp, ((members: ImageMembers) => JsonObject | null) | null][] = [
  [/titan-image|nova-canvas/, toCanvasBody], [/stable-diffusion-xl/, null], [/\bstability\./, toStabilityBody]
]

/** @returns null for models that draw nothing */
export function imageOf (provider: string, model: string, urlOf: (context: TranslationContext) => URL): ImageProvider | null {
  const toBody = models.find(([name]) => name.test(model))?.[1] ?? null
  if (toBody === null) return null
  return {
    toImageRequest (request: ImageRequest, context): ProviderRequest {
      const members = new ImageMembers(request, context.model)
      const body = toBody(members)
      if (body === null) throw new GatewayError('BIFROST_UNSUPPORTED_OPERATION', { provider, param: 'model', message: `${request.operation} of ${context.model} is not supported by ${provider}.` })
      return { url: urlOf(context), body: merged(members.rest(context), body) }
    },
    fromImageReply: (body) => fromBody(provider, body)
  }
}

/** Members of the client's join those that the gateway writes, one level down, too; they replace none. */
function merged (passed: JsonObject, own: JsonObject): JsonObject {
  const all: JsonObject = { ...passed }
  for (const [name, value] of Object.entries(own)) all[name] = isRecord(value) && isRecord(passed[name]) ? { ...passed[name], ...value } : value
  return all
}

/** What was held back, or failed, Amazon's models say in `error`, which may be some of several images: the others are the answer. Stability's models draw one, and say it in `finish_reasons`. */
function fromBody (provider: string, body: unknown): ImageReply {
  const embedded = toEmbeddedError(provider, body)
  if (embedded !== null) throw embedded
  const { images, error, finish_reasons: reasons } = isRecord(body) ? body : {}
  const drawn = texts(images)
  if (drawn.length > 0 && texts(reasons).length === 0) return toReply(drawn)
  const [reason] = [...texts(reasons), ...texts([error])]
  throw reason === undefined ? badResponse(provider, 'no images') : toImageError(provider, reason)
}

function texts (list: unknown): string[] {
  return (Array.isArray(list) ? list as unknown[] : []).filter((text): text is string => typeof text === 'string' && text !== '')
}

function toReply (images: readonly string[]): ImageReply {
  const format = formats.find(([start]) => images[0]?.startsWith(start))?.[1]
  return { created: 0, data: images.map((image) => ({ b64_json: image })), ...format === undefined ? {} : { output_format: format } }
}

/** By the first bytes of a file, as base64. */
const formats: readonly [string, string][] = [['iVBORw0KGgo', 'png'], ['/9j/', 'jpeg'], ['UklGR', 'webp']]

function isRecord (value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
