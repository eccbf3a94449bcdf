import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { after, beforeEach, test } from 'node:test'
import OpenAI, { toFile } from 'openai'
import { sdk, sendJson, startCaptureUpstream } from './capture-upstream.ts'
import type { CapturedRequest } from './capture-upstream.ts'
import { startTestGateway } from '../helpers/gateway.ts'

/** Images, sound, files and batches with the official SDK. The answers are those of OpenAI's API reference. */
const upstream = await startCaptureUpstream({ after })
const provider = { keys: [{ name: 'main', value: 'sk-upstream', models: ['*'] }], network_config: { base_url: upstream.url, allow_private_network: true, max_retries: 0 } }
const gateway = await startTestGateway({ after }, { providers: { openai: provider, perplexity: provider } })
const client = sdk(gateway.url)
const png = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64')
/** No text in any encoding: every byte value twice. */
const sound = Buffer.from(Array.from({ length: 512 }, (_, index) => (index * 7) & 0xff))

beforeEach(() => { upstream.requests.length = 0 })

function last (): CapturedRequest {
  return upstream.requests.at(-1) as CapturedRequest
}

/** The form that the upstream got, as Node's own parser reads it. */
async function formOf (request: CapturedRequest): Promise<FormData> {
  return new Response(request.bytes as unknown as ArrayBuffer, { headers: { 'content-type': request.headers['content-type'] as string } }).formData()
}

function sendBytes (response: ServerResponse, contentType: string, ...pieces: (string | Buffer)[]): void {
  response.writeHead(200, { 'content-type': contentType })
  for (const piece of pieces) response.write(piece)
  response.end()
}

test('an image is made', async () => {
  upstream.answer = (response) => { sendJson(response, 200, { created: 1_713_833_628, data: [{ b64_json: png.toString('base64') }], usage: { total_tokens: 100, input_tokens: 50, output_tokens: 50, input_tokens_details: { text_tokens: 10, image_tokens: 40 } } }) }
  const answer = await client.images.generate({ model: 'openai/gpt-image-1', prompt: 'A cat', size: '1024x1024' })
  assert.equal(answer.data?.[0]?.b64_json, png.toString('base64'))
  assert.equal((answer as unknown as { extra_fields: { request_type: string } }).extra_fields.request_type, 'image_generation')
  assert.deepEqual([last().method, last().path, last().headers.authorization], ['POST', '/v1/images/generations', 'Bearer sk-upstream'])
  assert.deepEqual(JSON.parse(last().body), { model: 'gpt-image-1', prompt: 'A cat', size: '1024x1024' })
  assert.equal(await gateway.metric('bifrost_output_tokens_total', { method: 'image_generation' }), 50)
})

test('an image comes in pieces', async () => {
  const events = [
    { type: 'image_generation.partial_image', b64_json: png.toString('base64'), partial_image_index: 0 },
    { type: 'image_generation.completed', b64_json: png.toString('base64').repeat(1_000), usage: { total_tokens: 12, input_tokens: 5, output_tokens: 7 } }
  ]
  upstream.answer = (response) => { sendBytes(response, 'text/event-stream', ...events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)) }
  const seen: unknown[] = []
  for await (const event of await client.images.generate({ model: 'openai/gpt-image-1', prompt: 'A cat', stream: true, partial_images: 1 })) seen.push(event)
  assert.deepEqual(seen, events)
  await gateway.whenIdle()
  assert.equal(await gateway.metric('bifrost_output_tokens_total', { method: 'image_generation_stream' }), 7)
})

test('a stream of images that ends before its last event is an error', async () => {
  upstream.answer = (response) => { sendBytes(response, 'text/event-stream', 'event: image_generation.partial_image\ndata: {"type":"image_generation.partial_image","b64_json":"aa"}\n\n') }
  await assert.rejects(async () => {
    for await (const event of await client.images.generate({ model: 'openai/gpt-image-1', prompt: 'A cat', stream: true })) assert.equal(event.type, 'image_generation.partial_image')
  }, /ended the stream before it was finished/)
})

test('images are edited: the form goes up as it came, but for the model', async () => {
  upstream.answer = (response) => { sendJson(response, 200, { created: 1, data: [{ b64_json: 'aGk=' }] }) }
  const image = [await toFile(png, 'a "quoted".png', { type: 'image/png' }), await toFile(sound, 'b.png', { type: 'image/png' })]
  const answer = await client.images.edit({ model: 'openai/gpt-image-1', image, prompt: 'Grün, bitte' })
  assert.equal(answer.data?.[0]?.b64_json, 'aGk=')
  const form = await formOf(last())
  assert.deepEqual([last().path, form.get('model'), form.get('prompt')], ['/v1/images/edits', 'gpt-image-1', 'Grün, bitte'])
  const images = form.getAll('image[]') as File[]
  assert.deepEqual(images.map(({ name, type }) => [name, type]), [['a "quoted".png', 'image/png'], ['b.png', 'image/png']])
  assert.deepEqual(await Promise.all(images.map(async (file) => Buffer.from(await file.arrayBuffer()))), [png, sound])
})

test('a variation of an image is made', async () => {
  upstream.answer = (response) => { sendJson(response, 200, { created: 1, data: [{ url: 'https://example.com/a.png' }] }) }
  const answer = await client.images.createVariation({ model: 'openai/dall-e-2', image: await toFile(png, 'a.png', { type: 'image/png' }), n: 1 })
  assert.equal(answer.data?.[0]?.url, 'https://example.com/a.png')
  assert.deepEqual([last().path, (await formOf(last())).get('model')], ['/v1/images/variations', 'dall-e-2'])
})

test('speech reaches the client before the provider has ended, byte for byte', async () => {
  let end = (): void => {}
  upstream.answer = (response) => {
    response.writeHead(200, { 'content-type': 'audio/mpeg' })
    response.write(sound)
    end = () => { response.end(sound) }
  }
  const answer = await client.audio.speech.create({ model: 'openai/tts-1', voice: 'alloy', input: 'Hello' })
  assert.equal(answer.headers.get('content-type'), 'audio/mpeg')
  assert.equal(answer.headers.get('x-bifrost-request-type'), 'speech')
  const reader = (answer.body as ReadableStream<Uint8Array>).getReader()
  assert.deepEqual(Buffer.from((await reader.read()).value as Uint8Array), sound)
  end()
  assert.deepEqual(Buffer.from((await reader.read()).value as Uint8Array), sound)
  assert.equal((await reader.read()).done, true)
  assert.deepEqual(JSON.parse(last().body), { model: 'tts-1', voice: 'alloy', input: 'Hello' })
})

test('speech that breaks off is broken for the client, too, and holds nothing but sound', async () => {
  upstream.answer = (response) => {
    response.writeHead(200, { 'content-type': 'audio/mpeg' })
    response.write(sound, () => { response.socket?.destroy() })
  }
  const answer = await client.audio.speech.create({ model: 'openai/tts-1', voice: 'alloy', input: 'Hello' })
  const pieces: Uint8Array[] = []
  await assert.rejects(async () => { for await (const piece of answer.body as ReadableStream<Uint8Array>) pieces.push(piece) })
  assert.deepEqual(Buffer.concat(pieces), sound)
  await gateway.whenIdle()
})

test('an error in place of speech is an error', async () => {
  upstream.answer = (response) => { sendJson(response, 400, { error: { message: 'voice is not valid', type: 'invalid_request_error', code: null, param: 'voice' } }) }
  await assert.rejects(client.audio.speech.create({ model: 'openai/tts-1', voice: 'nobody', input: 'Hello' }), (error: unknown) => error instanceof OpenAI.BadRequestError && error.param === 'voice')
})

test('speech as events', async () => {
  const events = [{ type: 'speech.audio.delta', audio: 'aGk=' }, { type: 'speech.audio.done', usage: { input_tokens: 3, output_tokens: 9, total_tokens: 12 } }]
  upstream.answer = (response) => { sendBytes(response, 'text/event-stream', ...events.map((event) => `data: ${JSON.stringify(event)}\n\n`)) }
  const answer = await client.audio.speech.create({ model: 'openai/gpt-4o-mini-tts', voice: 'alloy', input: 'Hello', stream_format: 'sse' })
  assert.equal(await answer.text(), events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join(''))
  assert.equal(answer.headers.get('x-bifrost-request-type'), 'speech_stream')
  await gateway.whenIdle()
  assert.equal(await gateway.metric('bifrost_output_tokens_total', { method: 'speech_stream' }), 9)
})

test('speech is written down', async () => {
  upstream.answer = (response) => { sendJson(response, 200, { text: 'Hello', usage: { type: 'tokens', input_tokens: 14, input_token_details: { text_tokens: 0, audio_tokens: 14 }, output_tokens: 5, total_tokens: 19 } }) }
  const answer = await client.audio.transcriptions.create({ model: 'openai/gpt-4o-transcribe', file: await toFile(sound, 'speech.wav', { type: 'audio/wav' }), language: 'en' })
  assert.equal(answer.text, 'Hello')
  const form = await formOf(last())
  assert.deepEqual([last().path, form.get('model'), form.get('language')], ['/v1/audio/transcriptions', 'gpt-4o-transcribe', 'en'])
  assert.deepEqual(Buffer.from(await (form.get('file') as File).arrayBuffer()), sound)
  assert.equal(await gateway.metric('bifrost_input_tokens_total', { method: 'transcription' }), 14)
})

test('a transcript as text or as subtitles stays what it is', async () => {
  const subtitles = '1\n00:00:00,000 --> 00:00:01,000\nGrüße\n'
  upstream.answer = (response) => { sendBytes(response, 'text/plain; charset=utf-8', subtitles) }
  const answer = await client.audio.transcriptions.create({ model: 'openai/whisper-1', file: await toFile(sound, 'speech.wav'), response_format: 'srt' })
  assert.equal(answer as unknown as string, subtitles)
})

test('a transcript comes in pieces', async () => {
  const events = [{ type: 'transcript.text.delta', delta: 'Hel' }, { type: 'transcript.text.delta', delta: 'lo' }, { type: 'transcript.text.done', text: 'Hello', usage: { type: 'tokens', input_tokens: 2, output_tokens: 3, total_tokens: 5 } }]
  upstream.answer = (response) => { sendBytes(response, 'text/event-stream', ...events.map((event) => `data: ${JSON.stringify(event)}\n\n`), 'data: [DONE]\n\n') }
  const seen: unknown[] = []
  for await (const event of await client.audio.transcriptions.create({ model: 'openai/gpt-4o-transcribe', file: await toFile(sound, 'speech.wav'), stream: true })) seen.push(event)
  assert.deepEqual(seen, events)
  assert.equal((await formOf(last())).get('stream'), 'true')
})

test('speech is translated', async () => {
  upstream.answer = (response) => { sendJson(response, 200, { text: 'Good day' }) }
  const answer = await client.audio.translations.create({ model: 'openai/whisper-1', file: await toFile(sound, 'speech.wav') })
  assert.equal(answer.text, 'Good day')
  assert.equal(last().path, '/v1/audio/translations')
})

test('moderation needs no model', async () => {
  upstream.answer = (response) => { sendJson(response, 200, { id: 'modr-1', model: 'omni-moderation-latest', results: [{ flagged: true, categories: {}, category_scores: {}, category_applied_input_types: {} }] }) }
  assert.equal((await client.moderations.create({ input: 'I hate you' })).results[0]?.flagged, true)
  assert.deepEqual([last().path, JSON.parse(last().body)], ['/v1/moderations', { input: 'I hate you' }])
  assert.equal((await client.moderations.create({ model: 'openai/text-moderation-latest', input: 'x' })).results[0]?.flagged, true)
  assert.deepEqual(JSON.parse(last().body), { model: 'text-moderation-latest', input: 'x' })
})

test('a provider without such an operation is refused, and who has it is named', async () => {
  await assert.rejects(client.images.generate({ model: 'perplexity/sonar', prompt: 'A cat' }), (error: unknown) => error instanceof OpenAI.BadRequestError && error.type === 'unsupported_operation' && /image_generation is not supported by perplexity.*openai/.test(error.message))
  assert.equal(upstream.requests.length, 0)
})

test('files are uploaded, listed, looked at, read and deleted', async () => {
  const file = { id: 'file-abc123', object: 'file', bytes: 512, created_at: 1, filename: 'a.jsonl', purpose: 'batch', status: 'processed' }
  upstream.answer = (response) => { sendJson(response, 200, file) }
  const uploaded = await client.files.create({ file: await toFile(sound, 'a.jsonl'), purpose: 'batch' })
  assert.equal(uploaded.id, 'file-abc123')
  const form = await formOf(last())
  assert.deepEqual([last().method, last().path, form.get('purpose')], ['POST', '/v1/files', 'batch'])
  assert.deepEqual(Buffer.from(await (form.get('file') as File).arrayBuffer()), sound)

  assert.equal((await client.files.retrieve('file-abc123')).filename, 'a.jsonl')
  assert.deepEqual([last().method, last().path, last().bytes.length, last().headers['content-type'], last().headers.authorization], ['GET', '/v1/files/file-abc123', 0, undefined, 'Bearer sk-upstream'])

  upstream.answer = (response) => { sendJson(response, 200, { object: 'list', data: [file], has_more: false, first_id: 'file-abc123', last_id: 'file-abc123' }) }
  assert.deepEqual((await client.files.list({ purpose: 'batch', limit: 2 })).data.map(({ id }) => id), ['file-abc123'])
  assert.equal(last().path, '/v1/files?purpose=batch&limit=2')

  upstream.answer = (response) => { sendBytes(response, 'application/octet-stream', sound) }
  const content = await client.files.content('file-abc123')
  assert.deepEqual(Buffer.from(await content.arrayBuffer()), sound)
  assert.deepEqual([content.headers.get('content-type'), last().path], ['application/octet-stream', '/v1/files/file-abc123/content'])

  upstream.answer = (response) => { sendJson(response, 200, { id: 'file-abc123', object: 'file', deleted: true }) }
  assert.equal((await client.files.delete('file-abc123')).deleted, true)
  assert.deepEqual([last().method, last().path], ['DELETE', '/v1/files/file-abc123'])

  upstream.answer = (response) => { sendJson(response, 404, { error: { message: 'No such File object: file-none', type: 'invalid_request_error', param: 'id', code: null } }) }
  await assert.rejects(client.files.retrieve('file-none'), OpenAI.NotFoundError)
  await gateway.whenIdle()
  const unpriced = await gateway.metric('bifrost_unpriced_requests_total')
  upstream.answer = (response) => { sendJson(response, 200, file) }
  await client.files.retrieve('file-abc123')
  await gateway.whenIdle()
  assert.equal(await gateway.metric('bifrost_unpriced_requests_total'), unpriced, 'files have no price')
})

test('batches are made, looked at, listed and cancelled', async () => {
  const batch = { id: 'batch_1', object: 'batch', endpoint: '/v1/chat/completions', errors: null, input_file_id: 'file-abc123', completion_window: '24h', status: 'validating', created_at: 1 }
  upstream.answer = (response) => { sendJson(response, 200, batch) }
  const body = { input_file_id: 'file-abc123', endpoint: '/v1/chat/completions' as const, completion_window: '24h' as const }
  assert.equal((await client.batches.create(body)).id, 'batch_1')
  assert.deepEqual([last().path, JSON.parse(last().body)], ['/v1/batches', body])
  assert.equal((await client.batches.retrieve('batch_1')).status, 'validating')
  assert.deepEqual([last().method, last().path], ['GET', '/v1/batches/batch_1'])
  assert.equal((await client.batches.cancel('batch_1')).id, 'batch_1')
  assert.deepEqual([last().method, last().path], ['POST', '/v1/batches/batch_1/cancel'])
  upstream.answer = (response) => { sendJson(response, 200, { object: 'list', data: [batch], has_more: false }) }
  assert.deepEqual((await client.batches.list({ limit: 1 })).data.map(({ id }) => id), ['batch_1'])
  assert.equal(last().path, '/v1/batches?limit=1')
})

// [what is wrong, path, content type, body, member, words]
const cut = 'multipart/form-data; boundary=cut'
const file = '--cut\r\ncontent-disposition: form-data; name="file"; filename="a.wav"\r\n\r\nx\r\n'
const model = '--cut\r\ncontent-disposition: form-data; name="model"\r\n\r\nopenai/whisper-1\r\n'
const refused: readonly [string, string, string, string, string | null, RegExp][] = [
  ['a form that is JSON', '/v1/audio/transcriptions', 'application/json', '{"model":"openai/whisper-1"}', 'content-type', /must be multipart\/form-data, not "application\/json"/],
  ['a form without a file', '/v1/audio/transcriptions', cut, `${model}--cut--`, 'file', /file is required/],
  ['a form without a model', '/v1/audio/transcriptions', cut, `${file}--cut--`, 'model', /model is required/],
  ['a form with two models', '/v1/audio/transcriptions', cut, `${file}${model}${model}--cut--`, 'model', /once, not 2 times/],
  ['a stream that is neither true nor false', '/v1/audio/transcriptions', cut, `${file}${model}--cut\r\ncontent-disposition: form-data; name="stream"\r\n\r\nmaybe\r\n--cut--`, 'stream', /true or false, not \\?"maybe/],
  ['a form that does not end', '/v1/audio/transcriptions', cut, `${file}${model}`, null, /ends before its last boundary/],
  ['an upload without a file', '/v1/files', cut, '--cut\r\ncontent-disposition: form-data; name="purpose"\r\n\r\nbatch\r\n--cut--', 'file', /file is required/],
  ['an image without a prompt', '/v1/images/generations', 'application/json', '{"model":"openai/gpt-image-1"}', 'prompt', /prompt is required/]
]
for (const [what, path, contentType, body, param, message] of refused) {
  test(`${what} is refused by name`, async () => {
    const answer = await fetch(gateway.url + path, { method: 'POST', headers: { 'content-type': contentType }, body })
    const { error } = await answer.json() as { error: { param: string | null, message: string } }
    assert.deepEqual([answer.status, error.param], [400, param])
    assert.match(error.message, message)
    assert.equal(upstream.requests.length, 0)
  })
}

test('another method than a path has is refused, and those that it has are named', async () => {
  const answer = await fetch(`${gateway.url}/v1/files/file-abc123`, { method: 'PUT', body: 'x' })
  assert.deepEqual([answer.status, answer.headers.get('allow')], [405, 'GET, DELETE'])
})
