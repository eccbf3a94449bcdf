import type { JsonObject } from '../../api/chat.ts'
import type { MediaFile, TranscriptionReply, TranscriptionRequest } from '../../api/media.ts'
import type { ProviderRequest, TranscriptionProvider, TranslationContext } from '../family.ts'
import type { UrlOfVerb } from './chat.ts'
import { invalidRequest } from './invalid-request.ts'
import { missing, partsOf, readReply } from './media-reply.ts'
import { toMediaUsage } from './usage.ts'

/** By the endings of file names that OpenAI takes, and Google's. */
const mimeTypes: ReadonlyMap<string, string> = new Map([
  ['flac', 'audio/flac'], ['mp3', 'audio/mp3'], ['mpga', 'audio/mp3'], ['mpeg', 'audio/mp3'], ['mp4', 'audio/mp4'], ['m4a', 'audio/m4a'], ['ogg', 'audio/ogg'], ['wav', 'audio/wav'], ['webm', 'audio/webm'], ['aac', 'audio/aac'], ['aiff', 'audio/aiff']
])
/** Other names of what Google takes. */
const synonyms: ReadonlyMap<string, string> = new Map([
  ['audio/x-wav', 'audio/wav'],
  ['audio/wave', 'audio/wav'],
  ['audio/vnd.wave', 'audio/wav'],
  ['audio/x-flac', 'audio/flac'],
  ['audio/x-m4a', 'audio/m4a'],
  ['audio/x-aiff', 'audio/aiff']
])

const tasks: Readonly<Record<TranscriptionRequest['operation'], string>> = {
  transcription: 'Transcribe the speech in this audio word for word, in the language that is spoken. Answer with the transcript and nothing else.',
  translation: 'Translate the speech in this audio into English. Answer with the translation and nothing else.'
}

/** Fields of the form that are read here or by the call. */
const understood: ReadonlySet<string> = new Set(['language', 'prompt', 'temperature', 'response_format', 'stream', 'fallbacks'])

/** generateContent with sound in the question and text in the answer. */
export function createTranscriptionProvider (provider: string, urlOf: UrlOfVerb): TranscriptionProvider {
  return {
    toTranscriptionRequest: (request, context) => ({ url: urlOf(context.model, 'generateContent', context.keyIndex), body: toListening(request, context) }),
    fromTranscriptionReply: (body) => fromListening(provider, body)
  }
}

function toListening ({ operation, file, options }: TranscriptionRequest, context: TranslationContext): ProviderRequest['body'] {
  for (const [name, value] of Object.entries(options)) if (!understood.has(name) && value !== '') context.drop(name)
  return {
    contents: [{ role: 'user', parts: [{ text: toTask(operation, options) }, { inlineData: { mimeType: mimeTypeOf(file), data: file.bytes.toString('base64') } }] }],
    ...toConfig(options)
  }
}

function toTask (operation: TranscriptionRequest['operation'], { language = '', prompt = '' }: TranscriptionRequest['options']): string {
  return [
    tasks[operation],
    ...language === '' ? [] : [`The language that is spoken: ${language}.`],
    ...prompt === '' ? [] : [`What went before, or how names and words are written:\n${prompt}`]
  ].join('\n')
}

function toConfig ({ temperature = '' }: TranscriptionRequest['options']): { generationConfig?: JsonObject } {
  if (temperature === '') return {}
  const value = Number(temperature)
  if (!(value >= 0 && value <= 1)) throw invalidRequest('temperature', `temperature must be a number from 0 to 1, not ${JSON.stringify(temperature.slice(0, 64))}.`)
  return { generationConfig: { temperature: value } }
}

function mimeTypeOf ({ name, contentType }: MediaFile): string {
  const essence = contentType.split(';')[0]?.trim().toLowerCase() ?? ''
  const mimeType = /^(?:audio|video)\//.test(essence) ? synonyms.get(essence) ?? essence : mimeTypes.get(/\.([a-z0-9]+)$/i.exec(name)?.[1]?.toLowerCase() ?? '')
  if (mimeType === undefined) throw invalidRequest('file', `file must have a content type of sound, or a name that ends in ${[...mimeTypes.keys()].join(', ')}; it is ${JSON.stringify(name.slice(0, 64))}.`)
  return mimeType
}

/** Silence is an empty text. */
function fromListening (provider: string, body: unknown): TranscriptionReply {
  const reply = readReply(provider, body)
  const text = partsOf(reply).map((part) => typeof part.text === 'string' ? part.text : '').join('').trim()
  if (text === '' && reply.candidates?.[0]?.finishReason !== 'STOP') throw missing(provider, reply, 'text')
  return { text, usage: toMediaUsage(reply.usageMetadata) }
}
