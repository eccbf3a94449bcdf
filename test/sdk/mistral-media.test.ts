import assert from 'node:assert/strict'
import { after, beforeEach, test } from 'node:test'
import OpenAI, { toFile } from 'openai'
import { sdk, sendJson, startCaptureUpstream } from './capture-upstream.ts'
import type { CapturedRequest } from './capture-upstream.ts'
import { startTestGateway } from '../helpers/gateway.ts'

/** OpenAI's speech, transcripts, moderation and files from Mistral: where its API has OpenAI's words, bytes go through. */
const upstream = await startCaptureUpstream({ after })
const gateway = await startTestGateway({ after }, {
  providers: { mistral: { keys: [{ name: 'main', value: 'm-key', models: ['*'] }], network_config: { base_url: upstream.url, allow_private_network: true, max_retries: 0 } } }
})
const client = sdk(gateway.url)
const sound = Buffer.from(Array.from({ length: 512 }, (_, index) => (index * 7) & 0xff))

beforeEach(() => { upstream.requests.length = 0 })

function last (): CapturedRequest {
  return upstream.requests.at(-1) as CapturedRequest
}

test('Mistral speaks', async () => {
  upstream.answer = (response) => { sendJson(response, 200, { audio_data: sound.toString('base64') }) }
  const answer = await client.audio.speech.create({ model: 'mistral/voxtral-mini-tts-3-0', voice: 'gb_jane_neutral', input: 'Hello', instructions: 'Softly', speed: 1 })
  assert.deepEqual([answer.headers.get('content-type'), Buffer.from(await answer.arrayBuffer())], ['audio/mpeg', sound])
  assert.deepEqual([last().path, last().headers.authorization, JSON.parse(last().body)], ['/v1/audio/speech', 'Bearer m-key', { model: 'voxtral-mini-tts-3-0', input: 'Hello', voice_id: 'gb_jane_neutral' }])
})

test('a format that Mistral does not make is refused by name', async () => {
  await assert.rejects(client.audio.speech.create({ model: 'mistral/voxtral-mini-tts-3-0', voice: 'x', input: 'Hello', response_format: 'aac' }), (error: unknown) => error instanceof OpenAI.BadRequestError && error.param === 'response_format' && /mp3, opus, flac, wav, pcm, not "aac"/.test(error.message))
  assert.equal(upstream.requests.length, 0)
})

test('speech that is none is an error in JSON', async () => {
  upstream.answer = (response) => { sendJson(response, 200, { audio: '' }) }
  await assert.rejects(client.audio.speech.create({ model: 'mistral/voxtral-mini-tts-3-0', voice: 'x', input: 'Hello' }), (error: unknown) => error instanceof OpenAI.APIError && error.code === 'BIFROST_UPSTREAM_BAD_RESPONSE')
})

test('Mistral listens: the form goes up as it came, but for the model', async () => {
  upstream.answer = (response) => { sendJson(response, 200, { model: 'voxtral-mini-2507', text: 'Hello', language: null, segments: [], usage: { prompt_audio_seconds: 4, prompt_tokens: 4, total_tokens: 9, completion_tokens: 5 } }) }
  const answer = await client.audio.transcriptions.create({ model: 'mistral/voxtral-mini-latest', file: await toFile(sound, 'speech.wav', { type: 'audio/wav' }) })
  assert.equal(answer.text, 'Hello')
  const form = await new Response(last().bytes as unknown as ArrayBuffer, { headers: { 'content-type': last().headers['content-type'] as string } }).formData()
  assert.deepEqual([last().path, form.get('model')], ['/v1/audio/transcriptions', 'voxtral-mini-latest'])
  assert.deepEqual(Buffer.from(await (form.get('file') as File).arrayBuffer()), sound)
})

test('Mistral moderates and keeps files', async () => {
  upstream.answer = (response) => { sendJson(response, 200, { id: 'mod-1', model: 'mistral-moderation-latest', results: [{ categories: { hate_and_discrimination: true }, category_scores: {} }] }) }
  assert.equal((await client.moderations.create({ model: 'mistral/mistral-moderation-latest', input: 'x' })).id, 'mod-1')
  assert.deepEqual([last().path, JSON.parse(last().body)], ['/v1/moderations', { model: 'mistral-moderation-latest', input: 'x' }])
  upstream.answer = (response) => { sendJson(response, 200, { id: 'f-1', object: 'file', bytes: 512, created_at: 1, filename: 'a.jsonl', purpose: 'batch' }) }
  assert.equal((await client.files.create({ file: await toFile(sound, 'a.jsonl'), purpose: 'batch' })).id, 'f-1')
  assert.equal(last().path, '/v1/files')
})

test('what is passed through unread is not looked at', async () => {
  upstream.answer = (response) => { sendJson(response, 200, { id: 'c-1', object: 'chat.completion', choices: [], usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 } }) }
  const body = '{"model":"mistral-small-latest", "messages":[{"role":"user","content":"x"}], "tools":[], "random_seed":1}'
  const answer = await fetch(`${gateway.url}/mistral_passthrough/v1/chat/completions`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  assert.deepEqual([answer.status, last().body], [200, body])
})
