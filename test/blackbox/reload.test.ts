import assert from 'node:assert/strict'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { askChat } from '../helpers/ask.ts'
import { startFaultUpstream } from '../helpers/fault-upstream.ts'
import type { FaultExchange } from '../helpers/fault-upstream.ts'
import { ok } from '../helpers/faults.ts'
import { chatBody, startTestGateway, upstreamProvider } from '../helpers/gateway.ts'
import type { TestGateway } from '../helpers/gateway.ts'
import { RawClient } from '../helpers/http-client.ts'
import type { ClientResponse } from '../helpers/http-client.ts'
import { contentEvent, doneEvent, finishEvent } from '../helpers/sse.ts'
import { createSignal, eventually } from '../helpers/wait.ts'

interface Config {
  client?: object
  server?: object
  providers: Record<string, object>
}

const keyOf = ({ request }: FaultExchange): string => String(request.headers['authorization']).replace('Bearer ', '')

function keyed (url: string, keys: string[], options: Parameters<typeof upstreamProvider>[1] = {}): object {
  return { ...upstreamProvider(url, options), custom_provider_config: { base_provider_type: 'openai' }, keys: keys.map((name) => ({ name, value: `sk-${name}`, models: ['*'], weight: 1 })) }
}

function write (gateway: TestGateway, config: Config): void {
  writeFileSync(gateway.configPath, JSON.stringify({ ...config, server: { port: 0, watch_config: false, ...config.server } }))
}

const start = (t: TestContext, config: Config): Promise<TestGateway> => startTestGateway(t, { ...config, server: { watch_config: false, ...config.server } })

function reload (gateway: TestGateway, config: Config): ReturnType<TestGateway['reload']> {
  write(gateway, config)
  return gateway.reload('test')
}

interface Open {
  /** Its head has come. */
  answer: Promise<ClientResponse>
}

/** Sends and does not wait for the answer. */
async function open (t: TestContext, gateway: TestGateway, model: string, more: object = {}): Promise<Open> {
  const client = await RawClient.connect(gateway.port)
  t.after(() => { client.socket.destroy() })
  return { answer: client.chat(chatBody(model, more)) }
}

test('new keys and providers serve at once, a report says what changed and no secret is in it', async (t) => {
  const upstream = await startFaultUpstream(t, ok)
  const gateway = await start(t, { providers: { one: keyed(upstream.url, ['a']) } })
  assert.equal((await askChat(gateway.port, 'one/m')).status, 200)
  assert.equal((await askChat(gateway.port, 'two/m')).status, 400)

  const report = reload(gateway, { providers: { one: keyed(upstream.url, ['b']), two: upstreamProvider(upstream.url) } })
  assert.ok(report.ok)
  assert.equal(report.generation, 2)
  assert.deepEqual(report.changes.map(({ path, before, after }) => [path, before, after]), [
    ['providers.one.keys.a', '{...}', ''],
    ['providers.one.keys.b', '', '{...}'],
    ['providers.two', '', '{...}']
  ])
  assert.equal((await askChat(gateway.port, 'two/m')).status, 200)
  assert.equal((await askChat(gateway.port, 'one/m')).status, 200)
  assert.equal(upstream.requests.at(-1)?.headers['authorization'], 'Bearer sk-b')
  assert.equal(await gateway.metric('bifrost_config_reloads_total', { result: 'applied' }), 1)
})

test('a secret that changed is not told', async (t) => {
  const gateway = await start(t, { providers: { one: keyed('http://127.0.0.1:9', ['a']) } })
  const changed = keyed('http://127.0.0.1:9', ['a']) as { keys: { value: string, weight: number }[] }
  changed.keys[0] = { ...changed.keys[0], value: 'sk-CANARY', weight: 3 }
  const report = reload(gateway, { providers: { one: changed } })
  assert.ok(report.ok)
  assert.deepEqual(report.changes, [
    { path: 'providers.one.keys.a.value', before: '<redacted>', after: '<redacted>' },
    { path: 'providers.one.keys.a.weight', before: '1', after: '3' }
  ])
})

test('a provider turns to another wire format while a stream of the old one runs, and both are whole', async (t) => {
  const begun = createSignal<FaultExchange>()
  const message = { id: 'msg_1', type: 'message', role: 'assistant', model: 'm', content: [{ type: 'text', text: 'By its own words' }], stop_reason: 'end_turn', stop_sequence: null, usage: { input_tokens: 1, output_tokens: 1 } }
  const upstream = await startFaultUpstream(t, async (exchange) => {
    if (exchange.request.path === '/v1/messages') return exchange.answer(200, JSON.stringify(message))
    exchange.openStream()
    await exchange.write(contentEvent('first'))
    begun.resolve(exchange)
  })
  const provider = (type: string): object => ({ ...keyed(upstream.url, ['a']), custom_provider_config: { base_provider_type: type } })
  const gateway = await start(t, { providers: { one: provider('openai') } })
  const { answer } = await open(t, gateway, 'one/m', { stream: true })
  const exchange = await begun.promise
  assert.ok(reload(gateway, { providers: { one: provider('anthropic') } }).ok)
  const translated = await askChat(gateway.port, 'one/m')
  assert.match(translated.text, /"content":"By its own words"/)
  await exchange.write(contentEvent('last') + finishEvent() + doneEvent)
  exchange.end()
  const streamed = await answer
  assert.equal(await streamed.end(), 'complete')
  assert.match(streamed.text, /first[^]*last[^]*\[DONE\]/)
  assert.equal(await gateway.metric('bifrost_in_flight', { provider: 'one' }), 0)
})

test('a bad file changes nothing and says why', async (t) => {
  const upstream = await startFaultUpstream(t, ok)
  const gateway = await start(t, { providers: { one: upstreamProvider(upstream.url) } })
  const good = upstreamProvider(upstream.url)
  const files = [
    ['{', gateway.configPath],
    ['{"providers":{"one":{"threads":-1}}}', 'providers.one.threads'],
    ['{"providers":{"one":{"keyz":[]}}}', 'providers.one.keyz'],
    // Every field of it is right; what it means is not.
    [JSON.stringify({ providers: { one: { ...good, fallbacks: ['nobody/m'] } } }), 'providers.one.fallbacks']
  ] as const
  for (const [text, path] of files) {
    writeFileSync(gateway.configPath, text)
    const report = gateway.reload('test')
    assert.ok(!report.ok)
    assert.ok(report.problems.some((problem) => problem.path.startsWith(path)), JSON.stringify(report.problems))
    assert.equal((await askChat(gateway.port, 'one/m')).status, 200)
  }
  assert.equal(await gateway.metric('bifrost_config_reloads_total', { result: 'refused' }), files.length)
  assert.equal(await gateway.metric('bifrost_config_reloads_total', { result: 'applied' }), 0)
})

test('what only counts from the next start on is named', async (t) => {
  const gateway = await start(t, { providers: { mock: {} } })
  const report = reload(gateway, { server: { port: 1234, log_level: 'warn' }, client: { initial_pool_size: 7, drop_excess_requests: true }, providers: { mock: {} } })
  assert.ok(report.ok)
  assert.deepEqual(report.restartRequired, ['server.port', 'client.initial_pool_size'])
  assert.deepEqual(report.changes.map(({ path }) => path).sort(), ['client.drop_excess_requests', 'client.initial_pool_size', 'server.log_level', 'server.port'])
})

test('a removed provider drains: its streams end whole, its threads and series go, and new requests are refused', async (t) => {
  const gate = createSignal()
  const upstream = await startFaultUpstream(t, async (exchange) => {
    exchange.openStream()
    void exchange.write(contentEvent('first'))
    await gate.promise
    void exchange.write(contentEvent('second') + finishEvent() + doneEvent)
    exchange.end()
  })
  const gateway = await start(t, { providers: { gone: upstreamProvider(upstream.url), mock: {} } })
  const response = await (await open(t, gateway, 'gone/m', { stream: true })).answer
  await response.until('"content":"first"')
  assert.ok(reload(gateway, { providers: { mock: {} } }).ok)
  assert.equal((await askChat(gateway.port, 'gone/m')).status, 400)
  assert.equal(await gateway.metric('bifrost_in_flight', { provider: 'gone' }), 1)
  gate.resolve()
  assert.equal(await response.end(), 'complete')
  assert.match(response.text, /"content":"second".*\[DONE\]/s)
  await eventually(async () => !(await (await fetch(`${gateway.url}/metrics`)).text()).includes('bifrost_in_flight{provider="gone"}'), 'the provider has gone from the metrics')
})

test('a provider that comes back while it drains is the same one: its limit holds over both', async (t) => {
  const gate = createSignal()
  const upstream = await startFaultUpstream(t, async (exchange) => {
    await gate.promise
    await ok(exchange)
  })
  const config = { providers: { up: upstreamProvider(upstream.url, { concurrency: 1 }), mock: {} } }
  const gateway = await start(t, config)
  const first = await open(t, gateway, 'up/m')
  await upstream.whenRequests(1)
  assert.ok(reload(gateway, { providers: { mock: {} } }).ok)
  assert.ok(reload(gateway, config).ok)
  const second = await open(t, gateway, 'up/m')
  await eventually(async () => await gateway.metric('bifrost_queue_depth', { provider: 'up' }) === 1, 'the second request waits')
  gate.resolve()
  assert.deepEqual([(await first.answer).status, (await second.answer).status], [200, 200])
  assert.equal(upstream.inFlightMax, 1)
})

test('a queued request goes with the key that was drawn for it, whatever the file says by then', async (t) => {
  const gate = createSignal()
  const upstream = await startFaultUpstream(t, async (exchange) => {
    if (exchange.json.model === 'held') await gate.promise
    exchange.answer(200, JSON.stringify({ choices: [], key: keyOf(exchange) }))
  })
  const gateway = await start(t, { providers: { up: keyed(upstream.url, ['a'], { concurrency: 1 }) } })
  const held = await open(t, gateway, 'up/held')
  await upstream.whenRequests(1)
  const queued = await open(t, gateway, 'up/m')
  await eventually(async () => await gateway.metric('bifrost_queue_depth', { provider: 'up' }) === 1, 'the request waits')
  // Keys by index: under the new settings, index 0 is another key.
  assert.ok(reload(gateway, { providers: { up: keyed(upstream.url, ['z', 'a'], { concurrency: 1 }) } }).ok)
  assert.ok(reload(gateway, { providers: { up: keyed(upstream.url, ['y'], { concurrency: 1 }) } }).ok)
  gate.resolve()
  for (const [response, key] of [[held, 'sk-a'], [queued, 'sk-a'], [await open(t, gateway, 'up/m'), 'sk-y']] as const) {
    const answer = await response.answer
    await answer.end()
    assert.equal(answer.json['key'], key)
  }
})

test('another key costs no connection', async (t) => {
  const upstream = await startFaultUpstream(t, ok)
  const gateway = await start(t, { providers: { up: keyed(upstream.url, ['a']) } })
  for (const name of ['b', 'c', 'd', 'e']) {
    assert.equal((await askChat(gateway.port, 'up/m')).status, 200)
    assert.ok(reload(gateway, { providers: { up: keyed(upstream.url, [name]) } }).ok)
  }
  assert.equal((await askChat(gateway.port, 'up/m')).status, 200)
  assert.deepEqual(upstream.requests.map(({ headers }) => headers['authorization']), ['a', 'b', 'c', 'd', 'e'].map((name) => `Bearer sk-${name}`))
  assert.equal(upstream.acceptedSockets, 1)
})

test('concurrency counts from the reload on: more lets the queue go, less waits for what runs', async (t) => {
  const gates = Array.from({ length: 6 }, () => createSignal())
  let arrived = 0
  const upstream = await startFaultUpstream(t, async (exchange) => {
    await gates[arrived++]?.promise
    await ok(exchange)
  })
  const config = (concurrency: number): Config => ({ providers: { up: upstreamProvider(upstream.url, { concurrency }) } })
  const gateway = await start(t, config(1))
  const answers = []
  for (let index = 0; index < 6; index++) answers.push(await open(t, gateway, 'up/m'))
  await upstream.whenRequests(1)
  assert.ok(reload(gateway, config(3)).ok)
  await upstream.whenRequests(3)
  assert.ok(reload(gateway, config(2)).ok)
  gates[0]?.resolve()
  await Promise.race(answers.map(({ answer }) => answer))
  // Two still run: the limit is reached, so nobody follows the one that ended.
  assert.equal(upstream.requestCount, 3)
  for (const gate of gates) gate.resolve()
  for (const answer of answers) assert.equal((await answer.answer).status, 200)
  assert.equal(upstream.inFlightMax, 3)
})

test('threads of another number take over without losing a request, and the old ones end', { timeout: 60_000 }, async (t) => {
  const gate = createSignal()
  const upstream = await startFaultUpstream(t, async (exchange) => {
    if (exchange.json.model === 'held') await gate.promise
    await ok(exchange)
  })
  const config = (threads: number, ringBytes: number): Config => ({ providers: { up: { ...upstreamProvider(upstream.url, { threads }), ring_bytes: ringBytes } } })
  const gateway = await start(t, config(1, 1 << 20))
  const held = await open(t, gateway, 'up/held', { stream: true })
  await upstream.whenRequests(1)
  let answered = 0
  const enough = new AbortController()
  const load = Promise.all(Array.from({ length: 8 }, async () => {
    while (!enough.signal.aborted) {
      assert.equal((await askChat(gateway.port, 'up/m')).status, 200)
      answered++
    }
  }))
  for (const [threads, ringBytes] of [[2, 1 << 20], [3, 1 << 18], [1, 1 << 18]] as const) {
    assert.ok(reload(gateway, config(threads, ringBytes)).ok)
    await eventually(async () => await gateway.metric('bifrost_ring_capacity_bytes', { provider: 'up' }) === threads * ringBytes, `${threads} threads have taken over`)
    const sofar = answered
    await eventually(() => answered > sofar + 20, 'requests go on')
  }
  enough.abort()
  await load
  gate.resolve()
  const response = await held.answer
  assert.equal(await response.end(), 'complete')
  assert.match(response.text, /\[DONE\]/)
  assert.equal(await gateway.metric('bifrost_thread_restarts_total'), 0)
})

test('the file is read again when it changes, also when another one takes its place', async (t) => {
  const gateway = await startTestGateway(t, { providers: { mock: {} } })
  const known = JSON.parse(readFileSync(gateway.configPath, 'utf8'))
  const models = async (): Promise<string> => (await fetch(`${gateway.url}/v1/models`)).text()
  writeFileSync(gateway.configPath, JSON.stringify({ ...known, providers: { mock: { keys: [{ name: 'k', value: '', models: ['written'] }] } } }))
  await eventually(async () => (await models()).includes('mock/written'), 'the file was read')
  writeFileSync(`${gateway.configPath}.new`, JSON.stringify({ ...known, providers: { mock: { keys: [{ name: 'k', value: '', models: ['renamed'] }] } } }))
  renameSync(`${gateway.configPath}.new`, gateway.configPath)
  await eventually(async () => (await models()).includes('mock/renamed'), 'the new file was read')
})

test('without watch_config nothing happens until it is asked for', async (t) => {
  const gateway = await start(t, { providers: { mock: {} } })
  write(gateway, { providers: { mock: {}, second: upstreamProvider('http://127.0.0.1:9') } })
  const report = gateway.reload('test')
  assert.ok(report.ok)
  assert.equal(report.changes.length, 1, 'it had not been read before')
})
