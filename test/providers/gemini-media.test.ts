import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../src/api/chat.ts'
import type { ImageRequest, MediaFile, SpeechRequest, TranscriptionRequest } from '../../src/api/media.ts'
import type { Family, ImageProvider, SpeechProvider, TranscriptionProvider } from '../../src/providers/family.ts'
import { createGeminiFamily } from '../../src/providers/gemini/provider.ts'
import { fromWav, toWav } from '../../src/providers/gemini/wav.ts'
import { createVertexFamily } from '../../src/providers/vertex/provider.ts'
import { loadProvider } from '../config/load-text.ts'
import { createContext, geminiSettings } from './google-family.ts'

const gemini = createGeminiFamily(geminiSettings)
const vertex = createVertexFamily(loadProvider('vertex', { keys: [{ value: 'key' }] }))
const two = 'gemini-2.5-flash-image'
const three = 'gemini-3-pro-image-preview'
const imagen = 'imagen-4.0-generate-001'

function draw (family: Family, model: string, options: JsonObject, more: Partial<ImageRequest> = {}, passExtraParams = false): { body: JsonObject, dropped: string[] } {
  const context = createContext({ model, passExtraParams })
  const request: ImageRequest = { operation: 'image_generation', model, prompt: 'A cat', images: [], mask: null, options, ...more }
  return { body: (family.image?.(model) as ImageProvider).toImageRequest(request, context).body, dropped: context.dropped }
}

// Ratios and sizes are those of the guide to Gemini's image models, and of @google/genai's ImageConfig and GenerateImagesConfig.
const sizes: readonly [string, string, JsonObject | undefined, string[]][] = [
  ['1024x1024', two, { aspectRatio: '1:1' }, []],
  ['1536x1024', two, { aspectRatio: '3:2' }, []],
  ['1024x1536', two, { aspectRatio: '2:3' }, []],
  ['1792x1024', two, { aspectRatio: '16:9' }, []],
  ['1024x1792', two, { aspectRatio: '9:16' }, []],
  ['1280x1024', two, { aspectRatio: '5:4' }, []],
  ['256x256', two, { aspectRatio: '1:1' }, []],
  ['auto', two, undefined, []],
  ['2048x2048', two, { aspectRatio: '1:1' }, ['size']],
  ['2048x2048', three, { aspectRatio: '1:1', imageSize: '2K' }, []],
  ['3840x2160', three, { aspectRatio: '16:9', imageSize: '2K' }, []],
  ['4096x4096', three, { aspectRatio: '1:1', imageSize: '4K' }, []],
  ['1024x256', three, undefined, ['size']],
  ['large', three, undefined, ['size']],
  ['0x0', three, undefined, ['size']],
  ['1x99999', three, undefined, ['size']]
]
for (const [size, model, expected, dropped] of sizes) {
  test(`a size of ${size} for ${model}`, () => {
    const { body, dropped: named } = draw(gemini, model, { size })
    assert.deepEqual([(body['generationConfig'] as JsonObject)['imageConfig'], named], [expected, dropped])
  })
}

const imagenSizes: readonly [string, JsonObject, string[]][] = [
  ['1024x1024', { aspectRatio: '1:1' }, []],
  ['1792x1024', { aspectRatio: '16:9' }, []],
  ['2048x1536', { aspectRatio: '4:3', sampleImageSize: '2K' }, []],
  ['4096x4096', { aspectRatio: '1:1', sampleImageSize: '2K' }, []],
  ['1536x1024', {}, ['size']]
]
for (const [size, expected, dropped] of imagenSizes) {
  test(`a size of ${size} for Imagen`, () => {
    assert.deepEqual(draw(gemini, imagen, { size }), { body: { instances: [{ prompt: 'A cat' }], parameters: { sampleCount: 1, ...expected } }, dropped })
  })
}

test('what Google has no word for is named, and what asks for nothing is not', () => {
  assert.deepEqual(draw(gemini, two, { background: 'auto', moderation: 'auto', quality: 'auto', partial_images: 0, stream: false, user: null, n: 1, response_format: 'b64_json', fallbacks: ['openai/x'] }).dropped, [])
  const all = { background: 'transparent', moderation: 'low', quality: 'high', partial_images: 2, user: 'u', response_format: 'url', style: 'vivid', input_fidelity: 'high', output_format: 'webp', output_compression: 50, seed: 1 }
  for (const [family, model] of [[gemini, two], [vertex, two], [gemini, imagen]] as const) assert.deepEqual(draw(family, model, all).dropped.sort(), Object.keys(all).sort())
})

test('the format is chosen where the API lets it be', () => {
  const options = { output_format: 'jpeg', output_compression: '80' }
  assert.deepEqual((draw(vertex, two, options).body['generationConfig'] as JsonObject)['imageConfig'], { imageOutputOptions: { mimeType: 'image/jpeg', compressionQuality: 80 } })
  assert.deepEqual(draw(gemini, imagen, options).body['parameters'], { sampleCount: 1, outputOptions: { mimeType: 'image/jpeg', compressionQuality: 80 } })
  assert.deepEqual(draw(vertex, two, { output_format: 'png', output_compression: 80 }).dropped, ['output_compression'])
  assert.deepEqual(draw(gemini, two, options).dropped, ['output_format', 'output_compression'])
})

test('members of Google\'s own go along where the client wants that', () => {
  const options = { safetySettings: [{ category: 'c' }], generationConfig: { seed: 1 }, user: 'u' }
  const { body, dropped } = draw(gemini, two, options, {}, true)
  assert.deepEqual([body['safetySettings'], body['generationConfig'], dropped], [[{ category: 'c' }], { responseModalities: ['TEXT', 'IMAGE'], seed: 1 }, ['user']])
  assert.deepEqual(draw(gemini, two, { generationConfig: '{}' }, {}, true), { body: { contents: [{ role: 'user', parts: [{ text: 'A cat' }] }], generationConfig: { responseModalities: ['TEXT', 'IMAGE'] } }, dropped: ['generationConfig'] })
  assert.deepEqual(draw(gemini, imagen, { negativePrompt: 'dogs' }, {}, true).body['parameters'], { sampleCount: 1, negativePrompt: 'dogs' })
})

for (const n of [0, 2, 1.5, '2', 'two', true]) {
  test(`n = ${JSON.stringify(n)} is no count of images for Gemini`, () => {
    assert.throws(() => draw(gemini, two, { n }), { code: 'BIFROST_INVALID_REQUEST', param: 'n' })
  })
}

test('thoughts are no answer', () => {
  const image = gemini.image?.(three) as ImageProvider
  const request = { options: {} } as ImageRequest
  const parts = [{ thought: true, inlineData: { mimeType: 'image/png', data: 'draft' } }, { inlineData: { mimeType: 'image/jpeg', data: 'final' } }]
  assert.deepEqual(image.fromImageReply({ candidates: [{ content: { parts }, finishReason: 'STOP' }], usageMetadata: { promptTokenCount: 3, candidatesTokenCount: 10, thoughtsTokenCount: 5, totalTokenCount: 18 } }, request), {
    created: 0, data: [{ b64_json: 'final' }], output_format: 'jpeg', usage: { prompt_tokens: 3, completion_tokens: 15, total_tokens: 18, completion_tokens_details: { reasoning_tokens: 5 } }
  })
})

test('Imagen leaves out what its filters hold back', () => {
  const image = gemini.image?.(imagen) as ImageProvider
  const request = { options: {} } as ImageRequest
  assert.deepEqual(image.fromImageReply({ predictions: [{ raiFilteredReason: 'no' }, { bytesBase64Encoded: 'YQ==', mimeType: 'image/png' }] }, request), { created: 0, data: [{ b64_json: 'YQ==' }], output_format: 'png' })
  for (const body of [{}, { predictions: [] }, { predictions: [{ raiFilteredReason: 'Your prompt.' }] }]) assert.throws(() => image.fromImageReply(body, request), { code: 'BIFROST_UPSTREAM_STATUS', status: 400, upstreamCode: 'content_policy_violation' })
  assert.throws(() => image.fromImageReply({ error: { code: 503, message: 'Busy', status: 'UNAVAILABLE' } }, request), { status: 503 })
  for (const body of [null, 1, { predictions: 'x' }]) assert.throws(() => image.fromImageReply(body, request), { code: 'BIFROST_UPSTREAM_BAD_RESPONSE' })
})

const speech = gemini.speech?.('') as SpeechProvider

function speak (model: string, options: JsonObject): JsonObject {
  return speech.toSpeechRequest({ model, input: 'Hello', options }, createContext({ model })).body
}

const older = 'gemini-2.5-pro-preview-tts'
// The migration guide to Gemini 3.8 TTS: the text is read as it stands, style goes into metadata, the answer is a wave file.
const newer = 'gemini-3.8-flash-tts'

test('OpenAI\'s voices have one of Gemini\'s each, and other names go up as they are', () => {
  const voiceOf = (voice: unknown): unknown => JSON.stringify((speak(older, { voice })['generationConfig'] as JsonObject)['speechConfig'])
  const prebuilt = (voiceName: string): string => JSON.stringify({ voiceConfig: { prebuiltVoiceConfig: { voiceName } } })
  // SpeechCreateParams of the openai package; Gemini's are in its guide to speech.
  const openAis = ['alloy', 'ash', 'ballad', 'coral', 'echo', 'fable', 'onyx', 'nova', 'sage', 'shimmer', 'verse', 'marin', 'cedar']
  const geminis = ['Zephyr', 'Puck', 'Charon', 'Kore', 'Fenrir', 'Leda', 'Orus', 'Aoede', 'Callirrhoe', 'Autonoe', 'Enceladus', 'Iapetus', 'Umbriel', 'Algieba', 'Despina', 'Erinome', 'Algenib', 'Rasalgethi', 'Laomedeia', 'Achernar', 'Alnilam', 'Schedar', 'Gacrux', 'Pulcherrima', 'Achird', 'Zubenelgenubi', 'Vindemiatrix', 'Sadachbia', 'Sadaltager', 'Sulafat']
  const spoken = openAis.map(voiceOf)
  assert.equal(new Set(spoken).size, openAis.length)
  for (const voice of spoken) assert.ok(geminis.map(prebuilt).includes(voice as string), String(voice))
  for (const voice of ['Puck', 'kore', 'constructor']) assert.equal(voiceOf(voice), prebuilt(voice))
  assert.equal(voiceOf(undefined), undefined)
  const newerVoiceOf = (voice: unknown): unknown => (speak(newer, { voice })['generationConfig'] as JsonObject)['speechConfig']
  assert.deepEqual([newerVoiceOf('alloy'), newerVoiceOf({ id: 'voice_1' })], [{ voiceConfig: { voice: 'Kore' } }, { voiceConfig: { voice: 'voice_1' } }])
  for (const [model, voice] of [[older, { id: 'voice_1' }], [newer, { id: 1 }], [newer, 1]] as const) assert.throws(() => speak(model, { voice }), { code: 'BIFROST_INVALID_REQUEST', param: 'voice' })
})

test('directions stand before the text, or beside it where the model takes them there', () => {
  const textOf = (model: string, instructions: unknown): unknown => (speak(model, { instructions })['contents'] as [{ parts: unknown }])[0].parts
  assert.deepEqual(textOf(older, 'Cheerfully'), [{ text: '### DIRECTOR\'S NOTES\nCheerfully\n\n#### TRANSCRIPT\nHello' }])
  assert.deepEqual(textOf(newer, 'Cheerfully'), [{ text: 'Hello', speechMetadata: { style: 'Cheerfully' } }])
  for (const nothing of [undefined, null, '']) assert.deepEqual([textOf(older, nothing), textOf(newer, nothing)], [[{ text: 'Hello' }], [{ text: 'Hello' }]])
  assert.throws(() => textOf(older, 1), { code: 'BIFROST_INVALID_REQUEST', param: 'instructions' })
})

test('a format is what the model can make', () => {
  const formatOf = (model: string, format: unknown): unknown => (speak(model, { response_format: format })['generationConfig'] as JsonObject)['responseFormat']
  for (const format of [undefined, null, 'wav', 'pcm']) assert.deepEqual([formatOf(older, format), formatOf(newer, format)], [undefined, undefined])
  assert.deepEqual(formatOf(newer, 'mp3'), [{ audio: { mimeType: 'audio/mp3' } }])
  assert.deepEqual(formatOf(newer, 'opus'), [{ audio: { mimeType: 'audio/ogg_opus' } }])
  for (const [model, format] of [[older, 'mp3'], [older, 'constructor'], [newer, 'aac'], [newer, 'flac'], [newer, 1]] as const) assert.throws(() => formatOf(model, format), { code: 'BIFROST_INVALID_REQUEST', param: 'response_format' })
})

const samples = Buffer.from([1, 0, 2, 0, 3, 0])
const spoken = (mimeType: string, ...pieces: Buffer[]): object => ({ candidates: [{ content: { parts: pieces.map((piece) => ({ inlineData: { mimeType, data: piece.toString('base64') } })) }, finishReason: 'STOP' }] })
const asked = (format?: string): SpeechRequest => ({ model: 'm', input: 'x', options: format === undefined ? {} : { response_format: format } })

test('samples become a wave file of their own rate, and a wave file samples', () => {
  const from = (mimeType: string, format: string | undefined, ...pieces: Buffer[]): [string, Buffer] => {
    const { contentType, bytes } = speech.fromSpeechReply(spoken(mimeType, ...pieces), asked(format))
    return [contentType, Buffer.from(bytes)]
  }
  assert.deepEqual(from('audio/L16;codec=pcm;rate=16000', undefined, samples, samples), ['audio/wav', toWav({ bytes: Buffer.concat([samples, samples]), rateHz: 16_000 })])
  assert.deepEqual(from('audio/L16', 'wav', samples), ['audio/wav', toWav({ bytes: samples, rateHz: 24_000 })])
  const file = toWav({ bytes: samples, rateHz: 24_000 })
  assert.deepEqual(from('audio/wav', 'wav', file), ['audio/wav', file])
  assert.deepEqual(from('audio/wav', 'pcm', file), ['audio/pcm', samples])
  assert.deepEqual(from('audio/mp3', 'mp3', samples), ['audio/mpeg', samples])
  assert.deepEqual(from('audio/ogg_opus', 'opus', samples), ['audio/ogg', samples])
  assert.throws(() => from('audio/mp3', 'wav', samples), { code: 'BIFROST_UPSTREAM_BAD_RESPONSE' })
})

test('a wave file is read chunk by chunk, and nothing else is taken for one', () => {
  const file = toWav({ bytes: samples, rateHz: 24_000 })
  const withList = Buffer.concat([file.subarray(0, 36), Buffer.from('LIST\x03\0\0\0abc\0', 'latin1'), file.subarray(36)])
  assert.deepEqual(fromWav(withList), { bytes: samples, rateHz: 24_000 })
  // A file that was written as it came does not know its length.
  const endless = Buffer.from(file)
  endless.writeUInt32LE(0xffffffff, 40)
  assert.deepEqual(fromWav(endless), { bytes: samples, rateHz: 24_000 })
  const stereo = Buffer.from(file)
  stereo.writeUInt16LE(2, 22)
  for (const other of [stereo, file.subarray(0, 40), file.subarray(4), Buffer.alloc(0), Buffer.concat([file.subarray(0, 12), file.subarray(36)])]) assert.equal(fromWav(other), null)
})

const listener = gemini.transcription?.('') as TranscriptionProvider

function hear (file: Partial<MediaFile>, options: TranscriptionRequest['options'] = {}): { parts: [{ text: string }, { inlineData: { mimeType: string } }], dropped: string[] } {
  const context = createContext()
  const body = listener.toTranscriptionRequest({ operation: 'transcription', model: 'm', file: { name: 'a', contentType: '', bytes: samples, ...file }, options }, context).body as { contents: [{ parts: [{ text: string }, { inlineData: { mimeType: string } }] }] }
  return { parts: body.contents[0].parts, dropped: context.dropped }
}

// Endings are those that OpenAI's reference allows, types those that Google's guide to audio lists.
const types: readonly [string, string, string][] = [
  ['a.flac', '', 'audio/flac'], ['a.mp3', '', 'audio/mp3'], ['a.mpga', '', 'audio/mp3'], ['a.mpeg', '', 'audio/mp3'], ['a.mp4', '', 'audio/mp4'], ['a.m4a', '', 'audio/m4a'],
  ['a.ogg', '', 'audio/ogg'], ['a.WAV', 'application/octet-stream', 'audio/wav'], ['a.webm', '', 'audio/webm'], ['blob', 'audio/webm;codecs=opus', 'audio/webm'], ['a.mp3', 'Audio/X-WAV', 'audio/wav'], ['a.webm', 'video/webm', 'video/webm']
]
for (const [name, contentType, expected] of types) {
  test(`sound called ${name} of type "${contentType}" is ${expected}`, () => {
    assert.equal(hear({ name, contentType }).parts[1].inlineData.mimeType, expected)
  })
}

test('sound of no known type is refused', () => {
  for (const name of ['a', 'a.txt', 'a.constructor']) assert.throws(() => hear({ name }), { code: 'BIFROST_INVALID_REQUEST', param: 'file' })
})

test('what a transcript cannot be asked is named', () => {
  assert.deepEqual(hear({ name: 'a.wav' }, { 'timestamp_granularities[]': 'word', 'include[]': 'logprobs', chunking_strategy: 'auto', response_format: 'json', language: 'de', prompt: 'x', temperature: '0' }).dropped, ['timestamp_granularities[]', 'include[]', 'chunking_strategy'])
})

test('silence is an empty text, and nothing at all is none', () => {
  const request = {} as TranscriptionRequest
  const heard = (candidate: object | null): string => listener.fromTranscriptionReply(candidate === null ? {} : { candidates: [candidate] }, request).text
  assert.equal(heard({ finishReason: 'STOP' }), '')
  assert.equal(heard({ content: { parts: [{ text: 'hm', thought: true }, { text: ' Hello\n' }] }, finishReason: 'STOP' }), 'Hello')
  assert.throws(() => heard({ finishReason: 'SAFETY' }), { status: 400, upstreamCode: 'content_policy_violation' })
  for (const nothing of [null, {}, { finishReason: 'OTHER' }]) assert.throws(() => heard(nothing), { code: 'BIFROST_UPSTREAM_BAD_RESPONSE' })
  for (const body of [null, [], 'x']) assert.throws(() => listener.fromTranscriptionReply(body, request), { code: 'BIFROST_UPSTREAM_BAD_RESPONSE' })
})
