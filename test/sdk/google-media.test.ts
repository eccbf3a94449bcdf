import assert from 'node:assert/strict'
import { after, beforeEach, test } from 'node:test'
import OpenAI, { toFile } from 'openai'
import { sdk, sendJson, startCaptureUpstream } from './capture-upstream.ts'
import type { CapturedRequest } from './capture-upstream.ts'
import { startTestGateway } from '../helpers/gateway.ts'

/** OpenAI's images and sound from Google's APIs. What the upstream gets and answers is what Google's guides show. */
const upstream = await startCaptureUpstream({ after })
const network = { base_url: upstream.url, allow_private_network: true, max_retries: 0 }
const gateway = await startTestGateway({ after }, {
  providers: {
    gemini: { keys: [{ name: 'main', value: 'google-key', models: ['*'] }], network_config: network },
    vertex: { keys: [{ name: 'main', value: 'vertex-key', models: ['*'], vertex_key_config: { project_id: 'p-1', region: 'us-central1' } }], network_config: network },
    small: { keys: [{ name: 'main', value: 'k', models: ['*'] }], network_config: { ...network, max_response_body_size_mb: 1 }, custom_provider_config: { base_provider_type: 'gemini' } }
  }
})
const client = sdk(gateway.url)
const png = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64')
/** No text in any encoding: every byte value twice. */
const sound = Buffer.from(Array.from({ length: 512 }, (_, index) => (index * 7) & 0xff))

beforeEach(() => { upstream.requests.length = 0 })

function last (): CapturedRequest {
  return upstream.requests.at(-1) as CapturedRequest
}

function answer (parts: object[], more: object = {}): void {
  upstream.answer = (response) => { sendJson(response, 200, { candidates: [{ content: { parts, role: 'model' }, finishReason: 'STOP', index: 0 }], ...more }) }
}

/** What the answer says beside OpenAI's members. */
function droppedOf (reply: unknown): unknown {
  return (reply as { extra_fields: { dropped_params?: unknown } }).extra_fields.dropped_params
}

test('an image is drawn by Gemini', async () => {
  answer([{ text: 'Here is a cat.' }, { inlineData: { mimeType: 'image/png', data: png.toString('base64') } }], {
    usageMetadata: { promptTokenCount: 4, candidatesTokenCount: 1_296, totalTokenCount: 1_300, promptTokensDetails: [{ modality: 'TEXT', tokenCount: 4 }], candidatesTokensDetails: [{ modality: 'IMAGE', tokenCount: 1_290 }] }
  })
  const reply = await client.images.generate({ model: 'gemini/gemini-3-pro-image-preview', prompt: 'A cat', size: '1536x1024', n: 1, quality: 'high', response_format: 'url' })
  assert.deepEqual(reply.data, [{ b64_json: png.toString('base64') }])
  assert.ok(Math.abs(reply.created - Date.now() / 1_000) < 60)
  assert.equal(reply.output_format, 'png')
  assert.deepEqual(reply.usage, { input_tokens: 4, output_tokens: 1_296, total_tokens: 1_300, input_tokens_details: { text_tokens: 4, image_tokens: 0 }, output_tokens_details: { text_tokens: 6, image_tokens: 1_290 } })
  assert.deepEqual(droppedOf(reply), ['quality', 'response_format'])
  assert.deepEqual([last().path, last().headers['x-goog-api-key'], last().headers['content-type']], ['/v1beta/models/gemini-3-pro-image-preview:generateContent', 'google-key', 'application/json'])
  assert.deepEqual(JSON.parse(last().body), {
    contents: [{ role: 'user', parts: [{ text: 'A cat' }] }],
    generationConfig: { responseModalities: ['TEXT', 'IMAGE'], imageConfig: { aspectRatio: '3:2' } }
  })
  await gateway.whenIdle()
  assert.equal(await gateway.metric('bifrost_output_tokens_total', { method: 'image_generation', provider: 'gemini' }), 1_296)
})

test('images are drawn by Imagen', async () => {
  upstream.answer = (response) => { sendJson(response, 200, { predictions: [{ mimeType: 'image/png', bytesBase64Encoded: 'YQ==', prompt: 'A red robot' }, { mimeType: 'image/png', bytesBase64Encoded: 'Yg==' }] }) }
  const reply = await client.images.generate({ model: 'vertex/imagen-4.0-generate-001', prompt: 'Robot', size: '1024x1024', n: 2, output_format: 'png' })
  assert.deepEqual(reply.data, [{ b64_json: 'YQ==', revised_prompt: 'A red robot' }, { b64_json: 'Yg==' }])
  assert.equal(last().path, '/v1beta1/projects/p-1/locations/us-central1/publishers/google/models/imagen-4.0-generate-001:predict')
  assert.equal(last().headers['x-goog-api-key'], 'vertex-key')
  assert.deepEqual(JSON.parse(last().body), { instances: [{ prompt: 'Robot' }], parameters: { sampleCount: 2, aspectRatio: '1:1', outputOptions: { mimeType: 'image/png' } } })
})

test('images are edited by Gemini', async () => {
  answer([{ inlineData: { mimeType: 'image/png', data: 'aGk=' } }])
  const image = [await toFile(png, 'a.png', { type: 'image/png' }), await toFile(sound, 'b.JPG')]
  const reply = await client.images.edit({ model: 'gemini/gemini-2.5-flash-image', image, prompt: 'Grün, bitte', mask: await toFile(png, 'mask.png', { type: 'image/png' }), n: 1 })
  assert.deepEqual(reply.data, [{ b64_json: 'aGk=' }])
  assert.deepEqual(droppedOf(reply), ['mask'])
  assert.deepEqual([last().path, last().headers['content-type']], ['/v1beta/models/gemini-2.5-flash-image:generateContent', 'application/json'])
  assert.deepEqual(JSON.parse(last().body), {
    contents: [{ role: 'user', parts: [{ text: 'Grün, bitte' }, { inlineData: { mimeType: 'image/png', data: png.toString('base64') } }, { inlineData: { mimeType: 'image/jpeg', data: sound.toString('base64') } }] }],
    generationConfig: { responseModalities: ['TEXT', 'IMAGE'] }
  })
})

test('Gemini speaks, as a wave file', async () => {
  answer([{ inlineData: { mimeType: 'audio/L16;codec=pcm;rate=24000', data: sound.toString('base64') } }], {
    usageMetadata: { promptTokenCount: 8, candidatesTokenCount: 48, totalTokenCount: 56, promptTokensDetails: [{ modality: 'TEXT', tokenCount: 8 }], candidatesTokensDetails: [{ modality: 'AUDIO', tokenCount: 48 }] }
  })
  const reply = await client.audio.speech.create({ model: 'gemini/gemini-2.5-flash-preview-tts', voice: 'Kore', input: 'Have a wonderful day!' })
  assert.equal(reply.headers.get('content-type'), 'audio/wav')
  assert.equal(reply.headers.get('x-bifrost-request-type'), 'speech')
  const bytes = Buffer.from(await reply.arrayBuffer())
  // Header as `wave` of Python writes it for one channel, two bytes and 24 kHz.
  assert.equal(bytes.subarray(0, 44).toString('hex'), `52494646${'24020000'}57415645666d742010000000${'0100'}${'0100'}${'c05d0000'}${'80bb0000'}${'0200'}${'1000'}64617461${'00020000'}`)
  assert.deepEqual(bytes.subarray(44), sound)
  assert.equal(last().path, '/v1beta/models/gemini-2.5-flash-preview-tts:generateContent')
  assert.deepEqual(JSON.parse(last().body), {
    contents: [{ role: 'user', parts: [{ text: 'Have a wonderful day!' }] }],
    generationConfig: { responseModalities: ['AUDIO'], speechConfig: { voiceConfig: { prebuiltVoiceConfig: { voiceName: 'Kore' } } } }
  })
  await gateway.whenIdle()
  assert.equal(await gateway.metric('bifrost_output_tokens_total', { method: 'speech', provider: 'gemini' }), 48)
})

test('Gemini speaks, as samples', async () => {
  answer([{ inlineData: { mimeType: 'audio/L16;codec=pcm;rate=24000', data: sound.toString('base64') } }])
  const reply = await client.audio.speech.create({ model: 'vertex/gemini-2.5-flash-tts', voice: 'alloy', input: 'Hello', response_format: 'pcm' })
  assert.deepEqual([reply.headers.get('content-type'), Buffer.from(await reply.arrayBuffer())], ['audio/pcm', sound])
})

test('Gemini listens', async () => {
  answer([{ text: 'Hello' }, { text: ' there.\n' }], {
    usageMetadata: { promptTokenCount: 100, candidatesTokenCount: 5, totalTokenCount: 105, promptTokensDetails: [{ modality: 'TEXT', tokenCount: 20 }, { modality: 'AUDIO', tokenCount: 80 }] }
  })
  const reply = await client.audio.transcriptions.create({ model: 'gemini/gemini-2.5-flash', file: await toFile(sound, 'speech.mp3'), language: 'en', prompt: 'Bifröst', temperature: 0.2, timestamp_granularities: ['word'] })
  assert.equal(reply.text, 'Hello there.')
  assert.deepEqual((reply as { usage?: unknown }).usage, { type: 'tokens', input_tokens: 100, output_tokens: 5, total_tokens: 105, input_token_details: { text_tokens: 20, audio_tokens: 80 } })
  assert.deepEqual(droppedOf(reply), ['timestamp_granularities[]'])
  const { contents: [content], generationConfig } = JSON.parse(last().body) as { contents: [{ role: string, parts: [{ text: string }, unknown] }], generationConfig: unknown }
  assert.match(content.parts[0].text, /^Transcribe .*\n.*: en\.\n.*\nBifröst$/s)
  assert.deepEqual(content.parts[1], { inlineData: { mimeType: 'audio/mp3', data: sound.toString('base64') } })
  assert.deepEqual([last().path, last().headers['content-type'], generationConfig], ['/v1beta/models/gemini-2.5-flash:generateContent', 'application/json', { temperature: 0.2 }])
  await gateway.whenIdle()
  assert.equal(await gateway.metric('bifrost_input_tokens_total', { method: 'transcription', provider: 'gemini' }), 100)
})

test('Gemini translates what it hears', async () => {
  answer([{ text: 'Good day' }])
  const reply = await client.audio.translations.create({ model: 'gemini/gemini-2.5-flash', file: await toFile(sound, 'speech.wav', { type: 'audio/x-wav' }), response_format: 'text' })
  assert.equal(reply as unknown as string, 'Good day')
  const { contents } = JSON.parse(last().body) as { contents: [{ parts: [{ text: string }, { inlineData: { mimeType: string } }] }] }
  assert.match(contents[0].parts[0].text, /^Translate .* into English/)
  assert.equal(contents[0].parts[1].inlineData.mimeType, 'audio/wav')
})

test('sound of some megabytes arrives whole', async () => {
  answer([{ text: 'Long' }])
  const long = Buffer.alloc(3_000_000, sound)
  assert.equal((await client.audio.transcriptions.create({ model: 'gemini/gemini-2.5-flash', file: await toFile(long, 'speech.wav') })).text, 'Long')
  const { contents } = JSON.parse(last().body) as { contents: [{ parts: [unknown, { inlineData: { data: string } }] }] }
  assert.ok(Buffer.from(contents[0].parts[1].inlineData.data, 'base64').equals(long))
})

const wave = (): Promise<File> => toFile(sound, 'speech.wav', { type: 'audio/wav' }) as Promise<File>
/** [what, the call, `param`, words]: nothing goes up. */
const refused: readonly [string, () => Promise<unknown>, string | null, RegExp][] = [
  ['several images at once by Gemini', () => client.images.generate({ model: 'gemini/gemini-2.5-flash-image', prompt: 'x', n: 2 }), 'n', /n must be 1 for gemini-2\.5-flash-image, not 2/],
  ['more images than Imagen draws at once', () => client.images.generate({ model: 'gemini/imagen-4.0-generate-001', prompt: 'x', n: 5 }), 'n', /from 1 to 4 for imagen-4\.0-generate-001, not 5/],
  ['an image in pieces', () => client.images.generate({ model: 'gemini/gemini-2.5-flash-image', prompt: 'x', stream: true }), 'stream', /stream must be false for gemini/],
  ['an edit by Imagen', async () => client.images.edit({ model: 'gemini/imagen-4.0-generate-001', prompt: 'x', image: await toFile(png, 'a.png') }), 'model', /image_edit of imagen-4\.0-generate-001 is not supported by gemini/],
  ['a variation', async () => client.images.createVariation({ model: 'gemini/gemini-2.5-flash-image', image: await toFile(png, 'a.png') }), null, /image_variation is not supported by gemini/],
  ['an image of no known type', async () => client.images.edit({ model: 'gemini/gemini-2.5-flash-image', prompt: 'x', image: await toFile(png, 'a.bin') }), 'image', /ends in png.*"a\.bin"/],
  ['speech that would have to be encoded', () => client.audio.speech.create({ model: 'gemini/gemini-2.5-flash-preview-tts', voice: 'Kore', input: 'x', response_format: 'mp3' }), 'response_format', /must be wav or pcm for gemini-2\.5-flash-preview-tts, not "mp3"/],
  ['speech as events', () => client.audio.speech.create({ model: 'gemini/gemini-2.5-flash-preview-tts', voice: 'Kore', input: 'x', stream_format: 'sse' }), 'stream_format', /must be "audio" for gemini/],
  ['subtitles', async () => client.audio.transcriptions.create({ model: 'gemini/gemini-2.5-flash', file: await wave(), response_format: 'srt' }), 'response_format', /json or text for gemini, not "srt"/],
  ['a transcript in pieces', async () => client.audio.transcriptions.create({ model: 'gemini/gemini-2.5-flash', file: await wave(), stream: true }), 'stream', /stream must be false for gemini/],
  ['a temperature out of range', async () => client.audio.transcriptions.create({ model: 'gemini/gemini-2.5-flash', file: await wave(), temperature: 3 }), 'temperature', /from 0 to 1, not "3"/],
  ['sound of no known type', async () => client.audio.transcriptions.create({ model: 'gemini/gemini-2.5-flash', file: await toFile(sound, 'x.bin') }), 'file', /ends in flac.*"x\.bin"/],
  ['speech by Claude', () => client.audio.speech.create({ model: 'vertex/claude-sonnet-4-5', voice: 'Kore', input: 'x' }), null, /speech of claude-sonnet-4-5 .* is not supported by vertex/]
]
for (const [what, call, param, words] of refused) {
  test(`${what} is refused by name`, async () => {
    await assert.rejects(call(), (error: unknown) => {
      assert.ok(error instanceof OpenAI.BadRequestError)
      assert.match(error.message, words)
      assert.equal(error.param ?? null, param)
      return true
    })
    assert.equal(upstream.requests.length, 0)
  })
}

/** [what, status and body upstream, status, code, words] */
const failed: readonly [string, number, object, number, string, RegExp][] = [
  ['an error of Google', 400, { error: { code: 400, message: 'Multi-modal output is not supported.', status: 'INVALID_ARGUMENT' } }, 400, 'INVALID_ARGUMENT', /Multi-modal output is not supported/],
  ['an error inside a 200', 200, { error: { code: 429, message: 'Quota', status: 'RESOURCE_EXHAUSTED' } }, 429, 'RESOURCE_EXHAUSTED', /Quota/],
  ['a prompt that is blocked', 200, { promptFeedback: { blockReason: 'PROHIBITED_CONTENT' } }, 400, 'content_policy_violation', /held the image back \(PROHIBITED_CONTENT\)\./],
  ['an image that is held back', 200, { candidates: [{ content: { role: 'model' }, finishReason: 'IMAGE_PROHIBITED_CONTENT', finishMessage: 'The model output could not be generated.' }] }, 400, 'content_policy_violation', /\(IMAGE_PROHIBITED_CONTENT\): The model output/],
  ['an answer without an image', 200, { candidates: [{ content: { parts: [{ text: 'I would rather not.' }] }, finishReason: 'NO_IMAGE' }] }, 502, 'BIFROST_UPSTREAM_BAD_RESPONSE', /no image, but NO_IMAGE/],
  ['an answer without anything', 200, {}, 502, 'BIFROST_UPSTREAM_BAD_RESPONSE', /no image/]
]
for (const [what, status, body, expectedStatus, code, words] of failed) {
  test(`${what} is an error in OpenAI's words`, async () => {
    upstream.answer = (response) => { sendJson(response, status, body) }
    await assert.rejects(client.images.generate({ model: 'gemini/gemini-2.5-flash-image', prompt: 'x' }), (error: unknown) => {
      assert.ok(error instanceof OpenAI.APIError)
      assert.match(error.message, words)
      assert.deepEqual([error.status, error.code], [expectedStatus, code])
      return true
    })
  })
}

test('speech that Gemini does not give is an error in JSON', async () => {
  answer([{ text: 'no sound' }], { candidates: [{ finishReason: 'OTHER' }] })
  await assert.rejects(client.audio.speech.create({ model: 'gemini/gemini-2.5-flash-preview-tts', voice: 'Kore', input: 'x' }), (error: unknown) => error instanceof OpenAI.APIError && error.status === 502 && /no sound, but OTHER/.test(error.message))
})

test('an image that is larger than the provider may answer is an error', async () => {
  answer([{ inlineData: { mimeType: 'image/png', data: 'a'.repeat(1_100_000) } }])
  await assert.rejects(client.images.generate({ model: 'small/gemini-2.5-flash-image', prompt: 'x' }), (error: unknown) => error instanceof OpenAI.APIError && error.code === 'BIFROST_UPSTREAM_TOO_LARGE')
})
