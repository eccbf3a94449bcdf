import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { GatewayError } from '../../src/errors.ts'
import { toBase64Floats } from '../../src/api/base64-floats.ts'
import { fromOpenAiReply } from '../../src/providers/openai/reply.ts'
import type { AdapterReply } from '../../src/providers/adapter.ts'
import { countByProvider, createJob, noRecordings, readRecordings } from './recordings.ts'
import { countsOf } from './replay-stream.ts'
import { createUsage } from '../../src/api/usage.ts'

const recordings = readRecordings('unary')
const skip = recordings.length === 0 ? noRecordings : false
const unary = createJob('chat_completion', { stream: false })
const base64Job = createJob('embedding', { stream: false, base64Embeddings: true })

/** What the transport makes of a reply: `extra_fields` before the last brace. */
function splice ({ body, spliceOffset }: AdapterReply): Record<string, unknown> {
  const text = Buffer.from(body)
  return JSON.parse(`${text.toString('utf8', 0, spliceOffset)},"extra_fields":{"latency":1}${text.toString('utf8', spliceOffset)}`) as Record<string, unknown>
}

function refusal (body: string): { code: string, status: number, message: string } {
  try {
    fromOpenAiReply('prov', unary, Buffer.from(body))
  } catch (error) {
    assert.ok(error instanceof GatewayError)
    return { code: error.code, status: error.status, message: error.message }
  }
  return assert.fail('accepted')
}

test('recorded answers keep their bytes, tell their usage and take extra_fields', { skip }, (t) => {
  for (const { name, operation, body } of recordings) {
    const original = JSON.parse(body.toString()) as { usage?: Record<string, number> }
    const reply = fromOpenAiReply('test', createJob(operation, { stream: false }), body)
    assert.equal(reply.body, body, name)
    assert.deepEqual(reply.usage, countsOf(original.usage), name)
    const { extra_fields: extra, ...rest } = splice(reply)
    assert.deepEqual(rest, original, name)
    assert.deepEqual(extra, { latency: 1 })
  }
  assert.ok(recordings.some(({ body }) => JSON.parse(body.toString()).usage?.completion_tokens > 0))
  t.diagnostic(countByProvider(recordings))
})

test('recorded embeddings of floats become base64 of the same vectors, base64 ones stay', { skip }, () => {
  for (const { name, body } of recordings.filter(({ operation }) => operation === 'embedding')) {
    const original = JSON.parse(body.toString()) as { data: { embedding: number[] | string }[] }
    const reply = fromOpenAiReply('test', base64Job, body)
    const converted = JSON.parse(Buffer.from(reply.body).toString()) as typeof original
    for (const [index, { embedding }] of original.data.entries()) {
      const got = converted.data[index]?.embedding as string
      assert.equal(typeof got, 'string', name)
      if (typeof embedding === 'string') assert.equal(got, embedding)
      else assert.deepEqual(new Float32Array(new Uint8Array(Buffer.from(got, 'base64')).buffer), Float32Array.from(embedding), name)
    }
    assert.deepEqual({ ...converted, data: null }, { ...original, data: null }, name)
    assert.deepEqual(splice(reply).extra_fields, { latency: 1 })
  }
})

test('any vector of numbers comes back from base64 as float32', () => {
  fc.assert(fc.property(fc.array(fc.oneof(fc.float({ noNaN: true }), fc.double({ noNaN: true }), fc.integer()), { maxLength: 40 }), (vector) => {
    const bytes = new Uint8Array(Buffer.from(toBase64Floats(vector), 'base64'))
    assert.deepEqual(new Float32Array(bytes.buffer), Float32Array.from(vector))
  }))
})

test('embeddings are converted for the client that asked for base64 only', () => {
  const body = Buffer.from('{"data":[{"embedding" : [0.5,-1]},{"embedding":[2]}],"usage":{"prompt_tokens":3,"total_tokens":3}}')
  assert.equal(fromOpenAiReply('p', createJob('embedding', { stream: false }), body).body, body)
  const { body: converted, usage } = fromOpenAiReply('p', base64Job, body)
  assert.deepEqual(JSON.parse(Buffer.from(converted).toString()), { data: [{ embedding: 'AAAAPwAAgL8=' }, { embedding: 'AAAAQA==' }], usage: { prompt_tokens: 3, total_tokens: 3 } })
  assert.deepEqual(usage, createUsage(3, 0))
})

test('a long head before the first vector does not hide it', () => {
  const body = Buffer.from(JSON.stringify({ model: 'm'.repeat(8_000), data: [{ embedding: [0.5] }] }))
  const converted = JSON.parse(Buffer.from(fromOpenAiReply('p', base64Job, body).body).toString()) as { data: { embedding: unknown }[] }
  assert.equal(converted.data[0]?.embedding, 'AAAAPw==')
})

test('a 200 that is no answer is a bad response that says what came', () => {
  const bad = (message: string): object => ({ code: 'BIFROST_UPSTREAM_BAD_RESPONSE', status: 502, message })
  assert.deepEqual(refusal(''), bad('prov answered 200 with an empty body.'))
  assert.deepEqual(refusal('<!DOCTYPE html><html>'), bad('prov answered 200 with HTML.'))
  assert.deepEqual(refusal('\n <html>'), bad('prov answered 200 with HTML.'))
  for (const text of ['[]', '"x"', 'null', 'ok', '{"choices":[', '{"choices":[]} x']) assert.deepEqual(refusal(text), bad('prov answered 200 with a body that is not a JSON object.'), text)
})

test('an error inside a 200 is an error, unless there is an answer beside it', () => {
  assert.deepEqual(refusal('{"error":{"message":"slow down","code":"rate_limited"}}'), { code: 'BIFROST_UPSTREAM_STATUS', status: 429, message: 'slow down' })
  assert.deepEqual(refusal('{"error":"gone"}'), { code: 'BIFROST_UPSTREAM_STATUS', status: 502, message: 'gone' })
  for (const text of ['{"choices":[],"error":{"message":"x"}}', '{"output":[],"error":null}', '{"data":[],"error":{}}', '{"error":null}', '{"id":"x"}']) {
    assert.equal(fromOpenAiReply('p', unary, Buffer.from(text)).spliceOffset, text.length - 1, text)
  }
  // The word of an answer is no answer where it is a value, stands in a string or in another object.
  for (const before of ['"object":"choices"', '"object": "data" ', '"id":"\\"choices\\":"', '"meta":{"choices":[]}', '"list":["output"]']) {
    assert.equal(refusal(`{${before},"error":{"message":"slow down","code":"rate_limited"}}`)?.status, 429, before)
  }
})

test('an answer with more keys than a request may have is still an answer', () => {
  // 20 top_logprobs for each of 2,000 tokens: real, and over 100,000 keys.
  const logprob = { token: 'a', logprob: -0.1, bytes: [97] }
  const content = Array.from({ length: 2_000 }, () => ({ ...logprob, top_logprobs: Array.from({ length: 20 }, () => logprob) }))
  const body = Buffer.from(JSON.stringify({ id: 'x', choices: [{ index: 0, message: { role: 'assistant', content: 'a' }, logprobs: { content }, finish_reason: 'stop' }], usage: { prompt_tokens: 1, completion_tokens: 2_000 } }))
  const reply = fromOpenAiReply('p', unary, body)
  assert.deepEqual({ ...reply.usage, spliceOffset: reply.spliceOffset }, { ...createUsage(1, 2_000), spliceOffset: body.length - 1 })
})
