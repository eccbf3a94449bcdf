import type { JsonObject } from '../../api/chat.ts'
import type { Sound, SpeechRequest } from '../../api/media.ts'
import { badResponse } from '../bad-response.ts'
import type { ProviderRequest, SpeechProvider, TranslationContext } from '../family.ts'
import { isGiven } from '../is-given.ts'
import type { UrlOfVerb } from './chat.ts'
import { invalidRequest } from './invalid-request.ts'
import { missing, partsOf, readReply } from './media-reply.ts'
import { toMediaUsage } from './usage.ts'
import { fromWav, toWav } from './wav.ts'
import type { Samples } from './wav.ts'
import type { Blob, Part } from './wire.ts'

/** Voices of Gemini's that are described as OpenAI's are; every other name goes up as it is. */
const voices: ReadonlyMap<string, string> = new Map([
  ['alloy', 'Kore'],
  ['ash', 'Iapetus'],
  ['ballad', 'Algieba'],
  ['cedar', 'Achird'],
  ['coral', 'Sulafat'],
  ['echo', 'Charon'],
  ['fable', 'Rasalgethi'],
  ['marin', 'Aoede'],
  ['nova', 'Zephyr'],
  ['onyx', 'Algenib'],
  ['sage', 'Vindemiatrix'],
  ['shimmer', 'Achernar'],
  ['verse', 'Puck']
])

/** What can be made of samples here. */
const sampleFormats: readonly string[] = ['wav', 'pcm']
/** What newer models make themselves, by Google's name. */
const encodedFormats: ReadonlyMap<string, string> = new Map([['mp3', 'audio/mp3'], ['opus', 'audio/ogg_opus']])
/** The first that reads a text as it stands, takes the style beside it, has voices of an account's own, and encodes its sound. */
const generationWithStyle = 3.8
const usualRateHz = 24_000
/** Google's names that are no media types, and their proper ones. */
const contentTypes: ReadonlyMap<string, string> = new Map([['audio/mp3', 'audio/mpeg'], ['audio/ogg_opus', 'audio/ogg']])

/** generateContent of the models that speak. */
export function createSpeechProvider (provider: string, urlOf: UrlOfVerb): SpeechProvider {
  return {
    toSpeechRequest: (request, context) => ({ url: urlOf(context.model, 'generateContent', context.keyIndex), body: toSpeaking(request, context) }),
    fromSpeechReply: (body, request) => fromSpeaking(provider, body, formatOf(request))
  }
}

function toSpeaking (request: SpeechRequest, context: TranslationContext): ProviderRequest['body'] {
  const isNewer = Number(/gemini-(\d+(?:\.\d+)?)/.exec(context.model)?.[1] ?? 0) >= generationWithStyle
  const format = formatOf(request)
  const formats = isNewer ? [...sampleFormats, ...encodedFormats.keys()] : sampleFormats
  if (!formats.includes(format)) throw invalidRequest('response_format', `response_format must be ${formats.slice(0, -1).join(', ')} or ${formats.at(-1)} for ${context.model}, not ${JSON.stringify(format.slice(0, 64))}.`)
  const { instructions } = request.options
  if (isGiven(instructions) && typeof instructions !== 'string') throw invalidRequest('instructions', 'instructions must be text.')
  const encoding = encodedFormats.get(format)
  return {
    contents: [{ role: 'user', parts: [toTextPart(request.input, instructions, isNewer)] }],
    generationConfig: {
      responseModalities: ['AUDIO'],
      ...toSpeechConfig(request, isNewer, context.model),
      ...encoding === undefined ? {} : { responseFormat: [{ audio: { mimeType: encoding } }] }
    }
  }
}

/** OpenAI writes a voice of an account's own as an object. */
function toSpeechConfig ({ options: { voice } }: SpeechRequest, isNewer: boolean, model: string): JsonObject {
  if (!isGiven(voice)) return {}
  const id = isNewer && typeof voice === 'object' ? (voice as { id?: unknown }).id : voice
  if (typeof id !== 'string') throw invalidRequest('voice', `voice must be the name of one of Gemini's voices, or of OpenAI's, for ${model}${isNewer ? ', or an object with the id of a voice' : ''}.`)
  const voiceName = voices.get(id) ?? id
  return { speechConfig: { voiceConfig: isNewer ? { voice: voiceName } : { prebuiltVoiceConfig: { voiceName } } } }
}

/** Older models take their directions from the text, as headings tell them what is to be said and what is not. */
function toTextPart (input: string, instructions: string | null | undefined, isNewer: boolean): Part {
  if (!isGiven(instructions) || instructions === '') return { text: input }
  return isNewer ? { text: input, speechMetadata: { style: instructions } } : { text: `### DIRECTOR'S NOTES\n${instructions}\n\n#### TRANSCRIPT\n${input}` }
}

/** OpenAI's own default, mp3, would have to be encoded. */
function formatOf ({ options }: SpeechRequest): string {
  const { response_format: format } = options
  return isGiven(format) ? String(format) : 'wav'
}

function fromSpeaking (provider: string, body: unknown, format: string): Sound {
  const reply = readReply(provider, body)
  const sounds = partsOf(reply).flatMap(({ inlineData }) => typeof inlineData?.data === 'string' && String(inlineData.mimeType).startsWith('audio/') ? [inlineData] : [])
  const [first] = sounds
  if (first === undefined) throw missing(provider, reply, 'sound')
  const usage = toMediaUsage(reply.usageMetadata)
  if (!sampleFormats.includes(format)) {
    const essence = essenceOf(first)
    return { contentType: contentTypes.get(essence) ?? essence, bytes: Buffer.concat(sounds.map(({ data }) => Buffer.from(data, 'base64'))), usage }
  }
  const pieces = sounds.map((sound) => toSamples(provider, sound))
  const samples: Samples = { bytes: Buffer.concat(pieces.map(({ bytes }) => bytes)), rateHz: pieces[0]?.rateHz ?? usualRateHz }
  return format === 'pcm' ? { contentType: 'audio/pcm', bytes: samples.bytes, usage } : { contentType: 'audio/wav', bytes: toWav(samples), usage }
}

/** Older models say `audio/L16;codec=pcm;rate=24000` and mean little endian, whatever RFC 2586 says; newer ones send a file. */
function toSamples (provider: string, sound: Blob): Samples {
  const bytes = Buffer.from(sound.data, 'base64')
  const essence = essenceOf(sound)
  if (essence === 'audio/l16' || essence === 'audio/pcm') return { bytes, rateHz: Number(/;\s*rate=(\d{4,6})\b/i.exec(sound.mimeType)?.[1] ?? usualRateHz) }
  const samples = fromWav(bytes)
  if (samples === null) throw badResponse(provider, `sound of type ${sound.mimeType.slice(0, 64)}, which is not what was asked for`)
  return samples
}

function essenceOf ({ mimeType }: Blob): string {
  return (mimeType.split(';')[0] ?? '').trim().toLowerCase()
}
