import type { JsonObject } from '../../api/chat.ts'
import type { Sound, SpeechRequest } from '../../api/media.ts'
import { GatewayError } from '../../errors.ts'
import { badResponse } from '../bad-response.ts'
import type { SpeechProvider, TranslationContext } from '../family.ts'
import { isGiven } from '../is-given.ts'

/** What Mistral makes, and the media type of it. */
const contentTypes: ReadonlyMap<unknown, string> = new Map([['mp3', 'audio/mpeg'], ['opus', 'audio/ogg'], ['flac', 'audio/flac'], ['wav', 'audio/wav'], ['pcm', 'audio/pcm']])
/** Both sides' default. */
const usualFormat = 'mp3'
const understood: ReadonlySet<string> = new Set(['voice', 'response_format', 'stream_format', 'fallbacks'])
const openAiOnly: ReadonlySet<string> = new Set(['instructions', 'speed'])

/** OpenAI's path, but sound as base64 in JSON and a voice by another name. */
export function createSpeech (provider: string, url: URL): SpeechProvider {
  return {
    toSpeechRequest: (request, context) => ({ url, body: toBody(request, context) }),
    fromSpeechReply: (body, request) => fromReply(provider, body, request)
  }
}

function toBody (request: SpeechRequest, context: TranslationContext): JsonObject {
  const { input, options: { voice, response_format: format, ...others } } = request
  if (isGiven(format) && !contentTypes.has(format)) throw invalid('response_format', `response_format must be ${[...contentTypes.keys()].join(', ')}, not ${JSON.stringify(format).slice(0, 64)}.`)
  const voiceId = typeof voice === 'object' && voice !== null ? (voice as { id?: unknown }).id : voice
  if (isGiven(voiceId) && typeof voiceId !== 'string') throw invalid('voice', 'voice must be the id of a voice, or an object with one.')
  return { model: context.model, input, ...isGiven(voiceId) ? { voice_id: voiceId } : {}, ...isGiven(format) ? { response_format: format } : {}, ...extraOptions(others, context) }
}

function extraOptions (options: JsonObject, context: TranslationContext): JsonObject {
  const extra: JsonObject = {}
  for (const [name, value] of Object.entries(options)) {
    if (understood.has(name) || !isGiven(value)) continue
    if (context.passExtraParams && !openAiOnly.has(name)) extra[name] = value
    else context.drop(name)
  }
  return extra
}

function fromReply (provider: string, body: unknown, { options }: SpeechRequest): Sound {
  const audio = (body as { audio_data?: unknown } | null)?.audio_data
  if (typeof audio !== 'string') throw badResponse(provider, 'no audio_data')
  const format = options['response_format'] ?? usualFormat
  const bytes = Buffer.from(audio, 'base64')
  return { contentType: contentTypes.get(format) as string, bytes: format === 'pcm' ? toSamples(bytes) : bytes, usage: null }
}

const bytesPerFloat = 4
const amplitudeMax = 0x7fff

/** Mistral's samples are floats from -1 to 1, OpenAI's are whole numbers of 16 bits; both are little endian. */
function toSamples (floats: Buffer): Buffer {
  const count = Math.floor(floats.length / bytesPerFloat)
  const samples = Buffer.alloc(count * 2)
  for (let index = 0; index < count; index++) {
    const value = floats.readFloatLE(index * bytesPerFloat)
    samples.writeInt16LE(Math.round(Math.max(-1, Math.min(1, Number.isNaN(value) ? 0 : value)) * amplitudeMax), index * 2)
  }
  return samples
}

function invalid (param: string, message: string): GatewayError {
  return new GatewayError('BIFROST_INVALID_REQUEST', { param, message })
}
