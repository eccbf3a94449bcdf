import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import type { TestContext } from 'node:test'
import { createLogger } from '../../src/log.ts'
import { errorBodies, faults, ok, tokens } from '../helpers/faults.ts'
import { startFaultUpstream } from '../helpers/fault-upstream.ts'
import type { FaultExchange, Script } from '../helpers/fault-upstream.ts'
import { chatBody, startTestGateway, upstreamProvider } from '../helpers/gateway.ts'
import { RawClient } from '../helpers/http-client.ts'
import type { ClientResponse } from '../helpers/http-client.ts'
import { contentEvent, doneEvent, finishEvent, inBandError, usageEvent, wholeReply, withoutExtraFields } from '../helpers/sse.ts'
import { createSignal, eventually, within } from '../helpers/wait.ts'

const joinsMetric = 'bifrost_single_flight_joins_total'
const crowd = 50

describe('single flight', async () => {
  const upstream = await startFaultUpstream({ after }, ok)
  const folder = mkdtempSync(join(tmpdir(), 'bifrost-flight-'))
  after(() => { rmSync(folder, { recursive: true }) })
  const logger = createLogger({ level: 'info', destination: join(folder, 'log') })
  const gateway = await startTestGateway({ after }, {
    providers: {
      up: { ...upstreamProvider(upstream.url), single_flight: { enabled: true } },
      narrow: { ...upstreamProvider(upstream.url, { concurrency: 1 }), single_flight: { enabled: true } },
      off: upstreamProvider(upstream.url)
    }
  }, logger)

  const joins = (): Promise<number> => gateway.metric(joinsMetric)
  let asked = 0

  /** A request on a connection of its own. The prompt is the test's name, so that tests do not share flights. */
  async function begin (t: TestContext, body: object = {}, headers: Record<string, string> = {}, model = 'up/m'): Promise<{ client: RawClient, head: Promise<ClientResponse>, id: string }> {
    const client = await RawClient.connect(gateway.port)
    t.after(() => { client.socket.destroy() })
    const id = `request-${asked++}`
    const head = client.chat(chatBody(model, { messages: [{ role: 'user', content: t.name }], ...body }), { 'x-request-id': id, ...headers })
    head.catch(() => {}) // those who leave get none
    return { client, head, id }
  }

  async function whole ({ head }: { head: Promise<ClientResponse> }): Promise<ClientResponse> {
    const response = await head
    assert.equal(await response.end(), 'complete')
    return response
  }

  /** Answers only when the test says so. */
  function gated (script: Script): { script: Script, open: () => void, begun: Promise<FaultExchange> } {
    const gate = createSignal()
    const begun = createSignal<FaultExchange>()
    return { open: () => { gate.resolve() }, begun: begun.promise, script: async (exchange) => { begun.resolve(exchange); await gate.promise; await script(exchange) } }
  }

  for (const stream of [true, false]) {
    test(`${crowd} identical ${stream ? 'streams' : 'unary requests'} at once are one upstream request and ${crowd} equal answers`, async (t) => {
      const text = contentEvent('Hello') + finishEvent() + usageEvent(5, 2) + doneEvent
      const { script, open } = gated((exchange) => stream ? faults.stream(text)(exchange) : exchange.answer(200, wholeReply))
      upstream.script = script
      const before = upstream.requestCount
      const [joinsBefore, tokensBefore, attemptsBefore, httpBefore] = await Promise.all([joins(), gateway.metric('bifrost_output_tokens_total'), gateway.metric('bifrost_upstream_requests_total'), gateway.metric('http_requests_total', { status: '200', path: '/v1/chat/completions' })])
      const members = await Promise.all(Array.from({ length: crowd }, () => begin(t, { stream, ...stream ? { stream_options: { include_usage: true } } : {} })))
      await eventually(async () => await joins() - joinsBefore === crowd - 1, 'all have joined')
      open()
      const responses = await Promise.all(members.map(whole))
      assert.equal(upstream.requestCount - before, 1)
      assert.deepEqual([...new Set(responses.map(({ text }) => withoutExtraFields(text)))], [stream ? text : wholeReply])
      assert.deepEqual(responses.map(({ headers }) => headers['x-request-id']), members.map(({ id }) => id))
      assert.equal(responses.filter(({ headers }) => headers['x-bifrost-single-flight'] === 'joined').length, crowd - 1)
      await gateway.whenIdle()
      assert.equal(await gateway.metric('bifrost_output_tokens_total') - tokensBefore, 2)
      assert.equal(await gateway.metric('bifrost_upstream_requests_total') - attemptsBefore, 1)
      assert.equal(await gateway.metric('http_requests_total', { status: '200', path: '/v1/chat/completions' }) - httpBefore, crowd)
      assert.equal(await gateway.metric('bifrost_active_requests'), 0)
    })
  }

  test(`${crowd} tenants with the same prompt never share: each gets the answer to its own request`, async (t) => {
    const gate = createSignal()
    const before = upstream.requestCount
    upstream.script = async (exchange) => {
      exchange.mark = String(10_000 + upstream.requestCount)
      await gate.promise
      await ok(exchange)
    }
    const names = ['authorization', 'x-api-key', 'api-key', 'x-bf-vk', 'cookie']
    const members = await Promise.all(Array.from({ length: crowd }, (_, index) => begin(t, { stream: true }, { [names[index % names.length] as string]: `secret-${Math.floor(index / names.length)}` })))
    await within(upstream.whenRequests(before + crowd), 'each has an upstream request')
    gate.resolve()
    const texts = (await Promise.all(members.map(whole))).map(({ text }) => text)
    assert.equal(new Set(texts.map((text) => /"content":"(\d{5})"/.exec(text)?.[1])).size, crowd)
    assert.equal(upstream.requestCount - before, crowd)
  })

  test('a provider without the setting shares nothing', async (t) => {
    const { script, open } = gated(ok)
    upstream.script = script
    const before = upstream.requestCount
    const members = await Promise.all([begin(t, {}, {}, 'off/m'), begin(t, {}, {}, 'off/m')])
    await within(upstream.whenRequests(before + 2), 'both have an upstream request')
    open()
    for (const member of members) assert.equal((await whole(member)).headers['x-bifrost-single-flight'], undefined)
  })

  test('when the one that began it leaves at token 10, the others get the whole stream, late ones too', async (t) => {
    const events = tokens(20)
    const rest = createSignal()
    const last = createSignal()
    upstream.script = async (exchange) => {
      exchange.openStream()
      void exchange.write(events.slice(0, 11).join(''))
      await rest.promise
      void exchange.write(events.slice(11).join(''))
      await last.promise
      void exchange.write(finishEvent() + doneEvent)
      exchange.end()
    }
    const before = [upstream.requestCount, await joins()] as const
    const leader = await begin(t, { stream: true })
    await (await leader.head).until('"10 "')
    const early = await Promise.all([begin(t, { stream: true }), begin(t, { stream: true })])
    for (const { head } of early) await (await head).until('"10 "')
    leader.client.socket.destroy()
    await eventually(() => gateway.load().exchanges === 2, 'the gateway knows that the first one has left')
    rest.resolve()
    for (const { head } of early) await (await head).until('"19 "')
    const late = await begin(t, { stream: true })
    await (await late.head).until('"19 "')
    last.resolve()
    for (const { text } of await Promise.all([...early, late].map(whole))) assert.equal(withoutExtraFields(text), events.join('') + finishEvent() + doneEvent)
    assert.deepEqual([upstream.requestCount - before[0], await joins() - before[1]], [1, 3])
  })

  for (const [name, begins] of [['before the head', false], ['in mid-stream', true]] as const) {
    test(`when the last member leaves, ${name}, the upstream request is aborted`, async (t) => {
      const begun = createSignal<FaultExchange>()
      upstream.script = (exchange) => {
        begun.resolve(exchange)
        if (!begins) return
        exchange.openStream()
        void exchange.write(contentEvent('first'))
      }
      const joinsBefore = await joins()
      const members = await Promise.all([begin(t, { stream: true }), begin(t, { stream: true }), begin(t, { stream: true })])
      const exchange = await begun.promise
      await eventually(async () => await joins() - joinsBefore === 2, 'all have joined')
      if (begins) for (const { head } of members) await (await head).until('first')
      members[0]?.client.socket.destroy()
      members[1]?.client.socket.destroy()
      await eventually(() => gateway.load().exchanges === 1, 'two have left')
      assert.equal(exchange.request.peerClosedAtMs, null)
      members[2]?.client.socket.destroy()
      await within(exchange.closed, 'the upstream connection closes')
      await gateway.whenIdle()
      assert.equal(await gateway.metric('bifrost_in_flight'), 0)
    })
  }

  test('a flight that waits in the queue leaves it with its last member', async (t) => {
    const { script, open } = gated(ok)
    upstream.script = script
    const before = upstream.requestCount
    const first = await begin(t, { seed: 1 }, {}, 'narrow/m')
    await upstream.whenRequests(before + 1)
    const joinsBefore = await joins()
    const queued = await Promise.all([begin(t, { seed: 2 }, {}, 'narrow/m'), begin(t, { seed: 2 }, {}, 'narrow/m')])
    await eventually(async () => await joins() - joinsBefore === 1, 'the second one has joined')
    assert.equal(await gateway.metric('bifrost_queue_depth', { provider: 'narrow' }), 1)
    for (const { client } of queued) client.socket.destroy()
    await eventually(async () => await gateway.metric('bifrost_queue_depth', { provider: 'narrow' }) === 0, 'the queue is empty')
    open()
    assert.equal((await whole(first)).status, 200)
    assert.equal(upstream.requestCount - before, 1)
  })

  test('an error is the error of all members, each in its own envelope', async (t) => {
    const { script, open } = gated((exchange) => { exchange.answer(400, errorBodies[500]) })
    upstream.script = script
    const before = [upstream.requestCount, await joins()] as const
    const members = await Promise.all(Array.from({ length: 5 }, () => begin(t)))
    await eventually(async () => await joins() - before[1] === 4, 'all have joined')
    open()
    const responses = await Promise.all(members.map(whole))
    assert.deepEqual(responses.map(({ status, headers }) => [status, headers['x-request-id']]), members.map(({ id }) => [400, id]))
    assert.deepEqual([...new Set(responses.map(({ json }) => json.error.message))], ['The server had an error.'])
    assert.equal(upstream.requestCount - before[0], 1)
  })

  test('a stream that is cut ends with the same error for all members', async (t) => {
    const { script, open } = gated(faults.cut(tokens(3).join(''), 'chunked'))
    upstream.script = script
    const joinsBefore = await joins()
    const members = await Promise.all(Array.from({ length: 5 }, () => begin(t, { stream: true })))
    await eventually(async () => await joins() - joinsBefore === 4, 'all have joined')
    open()
    const texts = (await Promise.all(members.map(whole))).map(({ text }) => text)
    assert.deepEqual(texts.map((text) => inBandError(text)?.type), Array(5).fill('upstream_truncated'))
    assert.equal(new Set(texts.map((text) => text.slice(0, text.lastIndexOf('data: ')))).size, 1)
  })

  test('a member whose own time is over fails alone, be it the one that began', async (t) => {
    const { script, open } = gated(ok)
    upstream.script = script
    const before = [upstream.requestCount, await joins()] as const
    const hasty = await begin(t, {}, { 'x-bf-request-timeout': '1.5' })
    await upstream.whenRequests(before[0] + 1)
    const patient = await begin(t)
    await eventually(async () => await joins() - before[1] === 1, 'the second one has joined')
    const late = await whole(hasty)
    assert.deepEqual([late.status, late.json.error.type], [504, 'request_timed_out'])
    open()
    assert.equal((await whole(patient)).status, 200)
    assert.equal(upstream.requestCount - before[0], 1)
  })

  test('the log has a line per request; what the answer cost is in one of them', async (t) => {
    const { script, open } = gated((exchange) => { exchange.answer(200, wholeReply) })
    upstream.script = script
    const joinsBefore = await joins()
    const leader = await begin(t)
    await eventually(() => gateway.load().exchanges === 1, 'the first one is there')
    const others = await Promise.all([begin(t), begin(t)])
    await eventually(async () => await joins() - joinsBefore === 2, 'all have joined')
    leader.client.socket.destroy()
    await eventually(() => gateway.load().exchanges === 2, 'the first one has left')
    open()
    await Promise.all(others.map(whole))
    await gateway.whenIdle()
    await new Promise<void>((resolve) => { logger.flush(() => { resolve() }) })
    const ids = [leader, ...others].map(({ id }) => id)
    const lines = readFileSync(join(folder, 'log'), 'utf8').trim().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>).filter(({ requestId }) => ids.includes(requestId as string))
    assert.deepEqual(lines.map(({ outcome }) => outcome).sort(), ['BIFROST_CLIENT_CLOSED', 'ok', 'ok'])
    assert.deepEqual(lines.map(({ provider, resolvedModel }) => [provider, resolvedModel]), Array(3).fill(['up', 'm']))
    assert.deepEqual(lines.map(({ shared = false, outputTokens }) => [shared, outputTokens]).sort(), [[false, 2], [true, 0], [true, 0]])
    assert.equal(lines.find(({ outcome }) => outcome === 'BIFROST_CLIENT_CLOSED')?.['shared'], true)
  })
})

test('a member that stops reading holds up the others no longer than slow_client_timeout_in_seconds, and costs no memory', { timeout: 60_000 }, async (t) => {
  const mib = 1024 * 1024
  const event = Buffer.from(contentEvent('x'.repeat(16 * 1024)))
  const count = 3_000
  const bothThere = createSignal()
  const upstream = await startFaultUpstream(t, async (exchange) => {
    await bothThere.promise
    exchange.openStream()
    for (let index = 0; index < count && !exchange.socket.destroyed; index++) await exchange.write(event)
    await exchange.write(finishEvent() + doneEvent)
    exchange.end()
  })
  const gateway = await startTestGateway(t, { client: { slow_client_timeout_in_seconds: 1 }, providers: { up: { ...upstreamProvider(upstream.url), single_flight: { enabled: true } } } })
  const [reader, stuck] = await Promise.all([RawClient.connect(gateway.port), RawClient.connect(gateway.port)])
  t.after(() => { reader.socket.destroy(); stuck.socket.destroy() })
  const heads = [reader.chat(chatBody('up/m', { stream: true })), stuck.chat(chatBody('up/m', { stream: true }))]
  await eventually(async () => await gateway.metric(joinsMetric) === 1, 'both are in one flight')
  bothThere.resolve()
  await heads[1]
  stuck.socket.pause()
  const response = await heads[0] as ClientResponse
  let bytes = 0
  response.onBody = (chunk) => { bytes += chunk.length }
  // Socket buffers of the stuck connection, the window, and no more: most of the 48 MiB is still upstream.
  await eventually(() => gateway.load().exchanges === 1, 'the stuck one is cut', 20_000)
  const atCut = bytes
  assert.ok(atCut < 24 * mib, `the other one got ${atCut} bytes meanwhile`)
  assert.equal(await response.end(30_000), 'complete')
  assert.ok(bytes > count * event.length)
  assert.equal(upstream.requestCount, 1)
  await gateway.whenIdle()
  assert.equal(await gateway.metric('bifrost_success_requests_total'), 1)
})
