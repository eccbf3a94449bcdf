import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JobFrame } from '../../src/api/job.ts'
import type { Operation } from '../../src/api/operations.ts'
import type { AdapterCall, AdapterRequest } from '../../src/providers/adapter.ts'
import { loadProvider } from '../config/load-text.ts'
import { createAdapter } from './create-adapter.ts'
import { createJob, noRecordings, readRecordingsOf } from './recordings.ts'

/** Recorded images and speech of providers, asked as OpenAI's clients ask. */
const openRouter = readRecordingsOf('openrouter', 'unary', /\/audio\/speech$/)
const mistral = readRecordingsOf('mistral', 'unary', /\/audio\/speech$/)
const xai = readRecordingsOf('xai', 'unary', /\/images\/generations$/)
const skip = openRouter.length === 0 ? noRecordings : false

function open (provider: string, operation: Operation, request: unknown, more: Partial<JobFrame>): { call: AdapterCall, asked: AdapterRequest, isWhole: boolean } {
  const adapter = createAdapter(loadProvider(provider, { keys: [{ value: 'k' }] }))
  const job = createJob(operation, { model: (request as { model: string }).model, body: Buffer.from(JSON.stringify(request)), ...more })
  const call = adapter.open(job)
  return { call, asked: call.toRequest() as AdapterRequest, isWhole: adapter.isWhole?.(job) === true }
}

const relayed = { stream: true, relay: true }

test('speech of OpenRouter goes through as it is', { skip }, () => {
  for (const { path, request } of openRouter) {
    const { call, asked, isWhole } = open('openrouter', 'speech', request, relayed)
    assert.deepEqual([asked.origin + asked.path, JSON.parse(Buffer.from(asked.body).toString())], [`https://openrouter.ai${path}`, request])
    assert.deepEqual([call.streamFraming, isWhole], ['bytes', false])
  }
})

test('speech of Mistral is its sound, decoded', { skip }, () => {
  for (const { path, request, body } of mistral) {
    const { call, asked, isWhole } = open('mistral', 'speech', request, relayed)
    const { voice, ...others } = request as { voice: string }
    assert.deepEqual([asked.path, isWhole], [path, true])
    assert.deepEqual(JSON.parse(Buffer.from(asked.body).toString()), { ...others, voice_id: voice })
    const reply = call.fromReply(body, {})
    assert.equal(reply.contentType, 'audio/mpeg')
    assert.equal(Buffer.from(reply.body).toString('base64'), (JSON.parse(body.toString()) as { audio_data: string }).audio_data)
    assert.equal(Buffer.from(reply.body).toString('latin1', 0, 3), 'ID3')
  }
})

test('an image of xAI goes through as it is', { skip }, () => {
  for (const { path, request, body } of xai) {
    const { call, asked } = open('xai', 'image_generation', request, { stream: false })
    assert.deepEqual([asked.path, JSON.parse(Buffer.from(asked.body).toString())], [path, request])
    const reply = call.fromReply(body, { 'content-type': 'application/json' })
    assert.deepEqual([reply.body, reply.usage.outputTokens, reply.spliceOffset], [body, 0, body.length - 1])
  }
})

test('samples of Mistral are floats, and become OpenAI\'s whole numbers', () => {
  const { call } = open('mistral', 'speech', { model: 'v', input: 'x', voice: 'v', response_format: 'pcm' }, relayed)
  const floats = Buffer.alloc(6 * 4)
  for (const [index, value] of [0, 0.5, -0.5, 1, -2, NaN].entries()) floats.writeFloatLE(value, index * 4)
  const { body, contentType } = call.fromReply(Buffer.from(JSON.stringify({ audio_data: floats.toString('base64') })), {})
  const whole = Buffer.from(body)
  assert.equal(contentType, 'audio/pcm')
  assert.deepEqual(Array.from({ length: 6 }, (_, index) => whole.readInt16LE(index * 2)), [0, 16_384, -16_383, 32_767, -32_767, 0])
})
