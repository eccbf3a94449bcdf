import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { errorBodies, faults, ok } from '../helpers/faults.ts'
import { startFaultUpstream } from '../helpers/fault-upstream.ts'
import type { Script } from '../helpers/fault-upstream.ts'
import { chatBody, startTestGateway, upstreamProvider } from '../helpers/gateway.ts'
import { RawClient } from '../helpers/http-client.ts'
import type { ClientResponse } from '../helpers/http-client.ts'
import { contentEvent, doneEvent, finishEvent, inBandError, usageEvent, wholeReply, withoutExtraFields } from '../helpers/sse.ts'

const contextError = JSON.stringify({ error: { message: 'This model\'s maximum context length is 8192 tokens.', type: 'invalid_request_error', param: 'messages', code: 'context_length_exceeded' } })
const policyError = JSON.stringify({ error: { message: 'The response was filtered due to the prompt triggering the content management policy.', type: null, param: 'prompt', code: 'content_filter' } })
const prefillError = JSON.stringify({ error: { message: 'Prefilling assistant messages is not supported for this model.', type: 'invalid_request_error', param: null, code: null } })
const answer = (status: number, body: string): Script => (exchange) => { exchange.answer(status, body) }
const fortyTokens = Array.from({ length: 40 }, (_, index) => contentEvent(`${index} `)).join('')

interface Case {
  /** What the primary does, its attempts in turn; the last one for all further ones. */
  primary: Script[]
  network?: object
  settings?: object
  stream?: boolean
  headers?: Record<string, string>
  wanted: { status: number, servedBy: 'primary' | 'fallback' | 'special' | null, primaryAttempts: number, message?: RegExp }
}

const quick = { max_retries: 2, retry_backoff_initial: 5, retry_backoff_max: 50 }

/** Every one of them with a fallback at hand. */
const cases: Record<string, Case> = {
  'one 500 is tried again on the same target': { primary: [faults.status(500), ok], network: quick, wanted: { status: 200, servedBy: 'primary', primaryAttempts: 2 } },
  'one 500 without retries goes to the fallback': { primary: [faults.status(500), ok], wanted: { status: 200, servedBy: 'fallback', primaryAttempts: 1 } },
  'a persistent 503 uses up its retries, then the fallback answers': { primary: [answer(503, errorBodies[500])], network: quick, wanted: { status: 200, servedBy: 'fallback', primaryAttempts: 3 } },
  'a reset before the headers counts as a failure of the moment': { primary: [faults.resetBeforeHead(), ok], network: quick, wanted: { status: 200, servedBy: 'primary', primaryAttempts: 2 } },
  'a 429 that asks for more than the longest pause goes to the fallback at once': { primary: [faults.status(429, { 'retry-after': '2' })], network: quick, wanted: { status: 200, servedBy: 'fallback', primaryAttempts: 1 } },
  'a 429 without a hint is asked again after pauses, then the fallback answers': { primary: [faults.status(429)], network: quick, wanted: { status: 200, servedBy: 'fallback', primaryAttempts: 3 } },
  'a 429 with a short retry-after-ms is waited for': { primary: [faults.status(429, { 'retry-after-ms': '20' }), ok], network: quick, wanted: { status: 200, servedBy: 'primary', primaryAttempts: 2 } },
  'a refused key has no other: the fallback answers': { primary: [faults.status(401)], network: quick, wanted: { status: 200, servedBy: 'fallback', primaryAttempts: 1 } },
  'a silent target is tried once': { primary: [faults.silent()], network: { ...quick, response_header_timeout_in_seconds: 0.3 }, wanted: { status: 200, servedBy: 'fallback', primaryAttempts: 1 } },
  'a stream whose first token is late goes to the fallback': {
    primary: [async (exchange) => { exchange.openStream(); await exchange.write(': ping\n\n') }], network: { ...quick, first_token_timeout_in_seconds: 0.3 }, stream: true, wanted: { status: 200, servedBy: 'fallback', primaryAttempts: 1 }
  },
  'a stream that stalls after its role goes to the fallback': {
    primary: [faults.stall(`data: ${JSON.stringify({ choices: [{ delta: { role: 'assistant', content: '' }, finish_reason: null }] })}\n\n`)], network: { ...quick, first_token_timeout_in_seconds: 0.3 }, stream: true, wanted: { status: 200, servedBy: 'fallback', primaryAttempts: 1 }
  },
  'an error inside a 200 stream counts as what it says': { primary: [faults.errorInside200(errorBodies[500]), ok], network: quick, stream: true, wanted: { status: 200, servedBy: 'primary', primaryAttempts: 2 } },
  'a stream that ends before anything was said is tried again': { primary: [faults.cut(': ping\n\n', 'close'), ok], network: quick, stream: true, wanted: { status: 200, servedBy: 'primary', primaryAttempts: 2 } },
  'a malformed answer is tried again': { primary: [answer(200, '{"choices":[{"mess'), ok], network: quick, wanted: { status: 200, servedBy: 'primary', primaryAttempts: 2 } },
  'half a body is tried again': { primary: [faults.wrongContentLength(), ok], network: quick, wanted: { status: 200, servedBy: 'primary', primaryAttempts: 2 } },
  'a request that does not fit goes where the config sends it': { primary: [answer(400, contextError)], network: quick, settings: { context_length_fallbacks: ['special/long'] }, wanted: { status: 200, servedBy: 'special', primaryAttempts: 1 } },
  'a request that does not fit goes to the usual fallback where there is no special one': { primary: [answer(400, contextError)], network: quick, wanted: { status: 200, servedBy: 'fallback', primaryAttempts: 1 } },
  'what a content filter refuses goes where the config sends it': { primary: [answer(400, policyError)], network: quick, settings: { content_policy_fallbacks: ['special/open'] }, wanted: { status: 200, servedBy: 'special', primaryAttempts: 1 } },
  'an HTML 502 is a failure of the moment': { primary: [faults.html502(), ok], network: quick, wanted: { status: 200, servedBy: 'primary', primaryAttempts: 2 } },
  'a request timeout is the budget of all attempts': { primary: [faults.silent()], headers: { 'x-bf-request-timeout': '0.4' }, wanted: { status: 504, servedBy: null, primaryAttempts: 1, message: /0\.4 s/ } }
}

describe('with a fallback configured', async () => {
  const owner = { after }
  const primary = await startFaultUpstream(owner, ok)
  const fallback = await startFaultUpstream(owner, ok)
  const special = await startFaultUpstream(owner, ok)
  const names = Object.keys(cases)
  const gateway = await startTestGateway(owner, {
    providers: {
      ...Object.fromEntries(Object.values(cases).map(({ network, settings }, index) => [`p${index}`, { ...upstreamProvider(primary.url, { network }), fallbacks: ['fallback/spare'], ...settings }])),
      fallback: upstreamProvider(fallback.url),
      special: upstreamProvider(special.url)
    }
  })

  const ask = async (model: string, more: object = {}, headers: Record<string, string> = {}): Promise<ClientResponse> => {
    const client = await RawClient.connect(gateway.port)
    const response = await client.chat(chatBody(model, more), headers)
    assert.equal(await response.end(), 'complete')
    client.socket.destroy()
    return response
  }

  /** The scripts in turn; the last one for all that follow. */
  const inTurn = (scripts: readonly Script[]): Script => {
    let turn = 0
    return (exchange) => (scripts[Math.min(turn++, scripts.length - 1)] as Script)(exchange)
  }

  for (const [index, name] of names.entries()) {
    const { primary: scripts, stream = false, headers, wanted } = cases[name] as Case
    test(name, async () => {
      // A thread starts with its provider's first request, which a budget has no room for.
      primary.script = ok
      if (headers !== undefined) await ask(`p${index}/m`)
      primary.script = inTurn(scripts)
      const before = { primary: primary.requestCount, fallback: fallback.requestCount, special: special.requestCount }
      const response = await ask(`p${index}/m`, stream ? { stream: true } : {}, headers)
      const served = (['primary', 'fallback', 'special'] as const).map((upstream) => ({ primary, fallback, special })[upstream].requestCount - before[upstream])
      assert.deepEqual({ status: response.status, served }, {
        status: wanted.status, served: [wanted.primaryAttempts, wanted.servedBy === 'fallback' ? 1 : 0, wanted.servedBy === 'special' ? 1 : 0]
      }, response.text)
      if (wanted.message !== undefined) assert.match(response.json.error.message, wanted.message)
      if (wanted.servedBy === null) return
      assert.ok(!response.text.includes('"error"'))
      assert.equal(response.headers['x-bifrost-provider'], wanted.servedBy === 'primary' ? `p${index}` : wanted.servedBy)
      assert.equal(response.headers['x-bifrost-fallback-index'], wanted.servedBy === 'primary' ? undefined : '1')
    })
  }

  test('a stream that was cut after 40 tokens ends with a typed error: no end mark, no second attempt', async () => {
    primary.script = faults.cut(fortyTokens, 'chunked')
    const before = [primary.requestCount, fallback.requestCount]
    const { status, text } = await ask('p0/m', { stream: true })
    assert.equal(status, 200)
    assert.equal(inBandError(text)?.type, 'upstream_truncated')
    assert.ok(text.includes('39 ') && !text.includes('[DONE]'))
    assert.deepEqual([primary.requestCount, fallback.requestCount], [Number(before[0]) + 1, before[1]])
  })

  test('a finished stream without an end mark is complete, with its usage', async () => {
    const bytes = contentEvent('a') + finishEvent() + usageEvent(3, 4)
    primary.script = faults.stream(bytes)
    const { text } = await ask('p0/m', { stream: true, stream_options: { include_usage: true } })
    assert.equal(withoutExtraFields(text), bytes + doneEvent)
  })

  test('the request\'s own fallbacks win over the config\'s, are tried in order and never reach the provider', async () => {
    primary.script = faults.status(500)
    fallback.script = answer(400, prefillError)
    const response = await ask('p1/m', { fallbacks: ['nobody/x', 'fallback/no-prefill', { provider: 'special', model: 'good' }] }, { 'x-bf-attempt-trail': 'true' })
    fallback.script = ok
    assert.equal(response.status, 200)
    assert.equal(response.headers['x-bifrost-fallback-index'], '3')
    assert.equal(response.headers['x-bifrost-resolved-model'], 'good')
    const fields = response.json['extra_fields'] as { routing_info: object, attempt_trail: { provider: string | null, outcome: string, code: string, fallback_index: number }[] }
    assert.deepEqual(fields.routing_info, { provider: 'special', model: 'good', key: 'keyless', is_fallback: true, primary_provider: 'p1', primary_model: 'm' })
    assert.deepEqual(fields.attempt_trail.map(({ provider, outcome, code, fallback_index: index }) => ({ provider, outcome, code, index })), [
      { provider: 'p1', outcome: 'transient', code: 'BIFROST_UPSTREAM_STATUS', index: 0 },
      { provider: null, outcome: 'unavailable', code: 'BIFROST_UNKNOWN_PROVIDER', index: 1 },
      { provider: 'fallback', outcome: 'request_fault', code: 'BIFROST_UPSTREAM_STATUS', index: 2 }
    ])
    for (const upstream of [primary, special]) assert.ok(!String(upstream.requests.at(-1)?.body).includes('fallbacks'))
    assert.equal(await gateway.metric('bifrost_success_requests_total', { provider: 'special', fallback_index: '3' }), 1)
    assert.equal(await gateway.metric('bifrost_fallbacks_total', { provider: 'p1', reason: 'transient' }), 2)
  })

  test('when all fail the client gets the first target\'s error, the trail, and a word to its SDK', async () => {
    primary.script = answer(503, errorBodies[500])
    fallback.script = faults.status(429)
    const response = await ask('p1/m')
    fallback.script = ok
    assert.equal(response.status, 503)
    assert.equal(response.headers['x-should-retry'], 'false')
    assert.equal(response.headers['x-bifrost-provider'], 'p1')
    assert.equal(response.json.error.message, 'The server had an error.')
    const { attempt_trail: trail } = response.json['extra_fields'] as { attempt_trail: { provider: string, status: number }[] }
    assert.deepEqual(trail.map(({ provider, status }) => [provider, status]), [['p1', 503], ['fallback', 429]])
  })

  test('nothing of a failed answer is in what the client gets', async () => {
    primary.script = faults.resetMidBody(wholeReply.slice(0, 60))
    assert.equal(withoutExtraFields((await ask('p1/m')).text), wholeReply)
    await gateway.whenIdle()
    assert.equal(await gateway.metric('bifrost_in_flight'), 0)
  })
})
