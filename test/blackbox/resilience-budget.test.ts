import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { askChat } from '../helpers/ask.ts'
import { startFaultUpstream } from '../helpers/fault-upstream.ts'
import type { FaultUpstream, Script } from '../helpers/fault-upstream.ts'
import { faults, ok } from '../helpers/faults.ts'
import { chatBody, startTestGateway, upstreamProvider } from '../helpers/gateway.ts'
import type { TestGateway } from '../helpers/gateway.ts'
import { RawClient } from '../helpers/http-client.ts'
import { contentEvent, doneEvent, finishEvent, usageEvent, withoutExtraFields } from '../helpers/sse.ts'
import { eventually, pause } from '../helpers/wait.ts'

interface Pair { primary: FaultUpstream, fallback: FaultUpstream, gateway: TestGateway }

/** Two upstreams; `primary` has the other one as fallback unless `alone`. */
async function start (t: TestContext, script: Script, network: object, { alone = false, more = {} }: { alone?: boolean, more?: object } = {}): Promise<Pair> {
  const primary = await startFaultUpstream(t, ok)
  const fallback = await startFaultUpstream(t, ok)
  const gateway = await startTestGateway(t, {
    providers: {
      primary: { ...upstreamProvider(primary.url, { network }), ...alone ? {} : { fallbacks: ['fallback/spare'] }, ...more },
      fallback: upstreamProvider(fallback.url)
    }
  })
  // Threads start with a provider's first request, which may take longer than these budgets.
  for (const [model, upstream] of [['primary/m', primary], ['fallback/spare', fallback]] as const) {
    assert.equal((await askChat(gateway.port, model)).status, 200)
    upstream.forget()
  }
  primary.script = script
  return { primary, fallback, gateway }
}

const finished = contentEvent('a') + finishEvent() + usageEvent(3, 4)

const took = async <T>(work: Promise<T>): Promise<[result: T, ms: number]> => {
  const startedAtMs = performance.now()
  const result = await work
  return [result, performance.now() - startedAtMs]
}

for (const [name, script] of Object.entries<Script>({ 429: faults.status(429), 500: faults.status(500), 503: faults.status(503), 'reset before the head': faults.resetBeforeHead(), 'error inside a 200': faults.errorInside200('{"error":{"message":"Overloaded","type":"overloaded_error"}}') })) {
  test(`with five retries a persistent ${name} is asked six times and no more`, async (t) => {
    const { primary, gateway } = await start(t, script, { max_retries: 5, retry_backoff_initial: 2, retry_backoff_max: 10 }, { alone: true })
    const response = await askChat(gateway.port, 'primary/m')
    assert.ok(response.status >= 429)
    assert.equal(primary.requestCount, 6)
    assert.equal(response.headers['x-should-retry'], 'false')
    assert.equal((response.json['extra_fields'] as { attempt_trail: unknown[] }).attempt_trail.length, 6)
  })
}

test('Retry-After: 2 is waited for where nobody else can answer, and no other request asks the resting key before', { timeout: 30_000 }, async (t) => {
  const { primary, gateway } = await start(t, faults.inTurn(faults.status(429, { 'retry-after': '2' }), ok), { max_retries: 1, retry_backoff_initial: 5, retry_backoff_max: 4_000 }, { alone: true })
  const first = took(askChat(gateway.port, 'primary/m'))
  await primary.whenRequests(1)
  await eventually(async () => await gateway.metric('bifrost_in_flight', { provider: 'primary' }) === 0, 'the gateway has heard of the 429')
  const others = Array.from({ length: 10 }, () => askChat(gateway.port, 'primary/m'))
  const [response, ms] = await first
  for (const { status } of [response, ...await Promise.all(others)]) assert.equal(status, 200)
  assert.ok(ms >= 2_000 && ms < 3_500, `${ms} ms`)
  assert.equal(primary.requestCount, 12)
  const [refusedAtMs, ...later] = primary.requests.map(({ receivedAtMs }) => receivedAtMs)
  assert.ok(later.every((atMs) => atMs - Number(refusedAtMs) >= 1_990), `early by ${later.map((atMs) => atMs - Number(refusedAtMs))}`)
})

test('Retry-After: 2 sends this request and those that follow to the fallback at once, and the primary is left alone', async (t) => {
  const { primary, fallback, gateway } = await start(t, faults.status(429, { 'retry-after': '2' }), { max_retries: 3, retry_backoff_initial: 5, retry_backoff_max: 1_000 })
  for (let index = 0; index < 10; index++) {
    const [{ status, headers }, ms] = await took(askChat(gateway.port, 'primary/m'))
    assert.equal(status, 200)
    assert.equal(headers['x-bifrost-provider'], 'fallback')
    assert.ok(ms < 1_000, `${ms} ms`)
  }
  assert.deepEqual([primary.requestCount, fallback.requestCount], [1, 10])
})

for (const stream of [false, true]) {
  test(`a silent target without fallback ends inside the client's budget and is asked once (${stream ? 'streamed' : 'unary'})`, async (t) => {
    const { primary, gateway } = await start(t, faults.silent(), { max_retries: 5 }, { alone: true })
    const [{ status, json }, ms] = await took(askChat(gateway.port, 'primary/m', { stream }, { 'x-bf-request-timeout': '2' }))
    assert.equal(status, 504)
    assert.equal(json.error.code, 'BIFROST_DEADLINE_EXCEEDED')
    assert.ok(ms >= 1_990 && ms < 6_000, `${ms} ms`)
    assert.equal(primary.requestCount, 1)
    await eventually(() => primary.inFlight === 0, 'the upstream connection is closed')
  })
}

test('the fallback has what the primary left of the budget', async (t) => {
  const { primary, fallback, gateway } = await start(t, faults.silent(), { response_header_timeout_in_seconds: 0.5 })
  fallback.script = faults.silent()
  const [{ status }, ms] = await took(askChat(gateway.port, 'primary/m', {}, { 'x-bf-request-timeout': '3' }))
  assert.equal(status, 504)
  assert.ok(ms >= 2_990 && ms < 7_000, `${ms} ms`)
  assert.deepEqual([primary.requestCount, fallback.requestCount], [1, 1])
})

test('a pause that would outlast the budget is not begun', async (t) => {
  const { primary, gateway } = await start(t, faults.status(500), { max_retries: 5, retry_backoff_initial: 5_000, retry_backoff_max: 5_000 }, { alone: true })
  const [{ status }, ms] = await took(askChat(gateway.port, 'primary/m', {}, { 'x-bf-request-timeout': '1' }))
  assert.equal(status, 500)
  assert.ok(ms < 900, `${ms} ms`)
  assert.equal(primary.requestCount, 1)
})

test('the budget holds over retries that are slow one by one', async (t) => {
  const slow500: Script = async (exchange) => { await pause(150); await faults.status(500)(exchange) }
  const { primary, gateway } = await start(t, slow500, { max_retries: 50, retry_backoff_initial: 5, retry_backoff_max: 10 }, { alone: true })
  const [{ status }, ms] = await took(askChat(gateway.port, 'primary/m', {}, { 'x-bf-request-timeout': '0.5' }))
  assert.ok(status === 500 || status === 504, String(status))
  assert.ok(ms < 1_500, `${ms} ms`)
  assert.ok(primary.requestCount <= 4, `${primary.requestCount} attempts`)
})

test('a stream that has begun outlives the budget, which is about its beginning', async (t) => {
  const { gateway } = await start(t, async (exchange) => {
    exchange.openStream()
    for (const text of ['a', 'b', 'c']) {
      await exchange.write(`data: {"choices":[{"index":0,"delta":{"content":"${text}"},"finish_reason":null}]}\n\n`)
      await pause(300)
    }
    await exchange.write('data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n')
    exchange.end()
  }, {})
  const { status, text } = await askChat(gateway.port, 'primary/m', { stream: true }, { 'x-bf-request-timeout': '0.4' })
  assert.equal(status, 200)
  assert.ok(text.endsWith('data: [DONE]\n\n'))
})

const withoutMark: [how: string, script: Script][] = [['closes its connection', faults.cut(finished, 'close')], ['leaves its connection open', faults.stall(finished)]]
for (const [how, end] of withoutMark) {
  test(`a stream that is finished without an end mark and ${how} is complete at once, with its usage, and nobody else is asked`, async (t) => {
    const { primary, fallback, gateway } = await start(t, end, { max_retries: 2, stream_idle_timeout_in_seconds: 8 })
    const [{ status, text }, ms] = await took(askChat(gateway.port, 'primary/m', { stream: true, stream_options: { include_usage: true } }))
    assert.equal(status, 200)
    assert.equal(withoutExtraFields(text), finished + doneEvent)
    assert.ok(ms < 4_000, `${ms} ms`)
    await gateway.whenIdle()
    assert.deepEqual([primary.requestCount, fallback.requestCount], [1, 0])
    assert.equal(await gateway.metric('bifrost_output_tokens_total', { provider: 'primary', method: 'chat_completion_stream' }), 4)
  })
}

for (const phase of ['while the primary is silent', 'in the pause before a retry']) {
  test(`a client that leaves ${phase} is not served by the fallback either`, async (t) => {
    const script = phase.startsWith('while') ? faults.silent() : faults.status(500)
    const { primary, fallback, gateway } = await start(t, script, { max_retries: 3, retry_backoff_initial: 300, retry_backoff_max: 300 })
    const client = await RawClient.connect(gateway.port)
    client.chat(chatBody('primary/m')).catch(() => {})
    await primary.whenRequests(1)
    client.socket.resetAndDestroy()
    await gateway.whenIdle()
    await eventually(() => primary.inFlight === 0, 'the upstream connection is free')
    // Longer than the pause: had it gone on, somebody would have been asked by now.
    await pause(500)
    assert.deepEqual([primary.requestCount, fallback.requestCount], [1, 0])
  })
}

test('when the first target was passed over and its fallback fails, nothing of the answer names the fallback', async (t) => {
  const { fallback, gateway } = await start(t, faults.status(429, { 'retry-after': '30' }), {})
  await askChat(gateway.port, 'primary/m')
  fallback.script = faults.status(500)
  const response = await askChat(gateway.port, 'primary/m')
  assert.equal(response.json.error.code, 'BIFROST_KEYS_RESTING')
  assert.notEqual(response.headers['x-bifrost-provider'], 'fallback')
  const { provider, attempt_trail: trail } = response.json['extra_fields'] as { provider?: string, attempt_trail: { provider: string }[] }
  assert.notEqual(provider, 'fallback')
  assert.deepEqual(trail.map((entry) => entry.provider), ['primary', 'fallback'])
})
