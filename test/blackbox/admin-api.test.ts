import assert from 'node:assert/strict'
import { chmodSync, readFileSync, statSync } from 'node:fs'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { askChat } from '../helpers/ask.ts'
import { startFaultUpstream } from '../helpers/fault-upstream.ts'
import { faults, ok } from '../helpers/faults.ts'
import { startTestGateway, upstreamProvider } from '../helpers/gateway.ts'
import type { TestGateway } from '../helpers/gateway.ts'

const adminKey = 'admin-CANARY'

interface Answer {
  status: number
  json: Record<string, never> & { error?: { message: string, type: string, code: string }, reload?: { generation: number, changes: { path: string }[], restart_required: string[] } }
  text: string
}

type Call = (method: string, path: string, body?: unknown, key?: string) => Promise<Answer>

async function start (t: TestContext, providers: Record<string, object>, server: object = { admin_key: adminKey }): Promise<{ gateway: TestGateway, call: Call, file: () => { providers: Record<string, { keys: { name: string, value: string, weight: number }[] }> } }> {
  const gateway = await startTestGateway(t, { server: { watch_config: false, ...server }, providers })
  return {
    gateway,
    file: () => JSON.parse(readFileSync(gateway.configPath, 'utf8')),
    call: async (method, path, body, key = adminKey) => {
      const response = await fetch(`${gateway.url}${path}`, { method, headers: { authorization: `Bearer ${key}` }, body: body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body) })
      const text = await response.text()
      return { status: response.status, text, json: JSON.parse(text) }
    }
  }
}

const keyed = (url: string): object => ({
  ...upstreamProvider(url), custom_provider_config: { base_provider_type: 'openai' }, keys: [{ name: 'a', value: 'sk-CANARY-a', models: ['*'], weight: 1 }, { id: 'bee', name: 'b', value: 'sk-CANARY-b', models: ['m'], weight: 2 }]
})

test('without an admin key the management API is not there, and the health page is', async (t) => {
  const { call } = await start(t, { mock: {} }, {})
  for (const [method, path] of [['GET', '/api/config'], ['PUT', '/api/config'], ['GET', '/api/providers'], ['POST', '/api/providers'], ['DELETE', '/api/providers/mock'], ['GET', '/api/providers/mock/keys']] as const) {
    const { status, json } = await call(method, path, method === 'GET' || method === 'DELETE' ? undefined : {}, '')
    assert.deepEqual([status, json.error?.code], [404, 'BIFROST_ROUTE_NOT_FOUND'], `${method} ${path}`)
  }
  assert.equal((await call('GET', '/api/health/providers')).status, 200)
})

test('every route is closed to those without the admin key', async (t) => {
  const { gateway, call, file } = await start(t, { mock: {} })
  const before = file()
  for (const key of ['', 'x', `${adminKey}x`, adminKey.slice(0, -1), `${adminKey} ${adminKey}`]) {
    for (const [method, path] of [['GET', '/api/config'], ['PUT', '/api/config'], ['GET', '/api/providers'], ['POST', '/api/providers'], ['PUT', '/api/providers/mock'], ['DELETE', '/api/providers/mock'], ['GET', '/api/providers/mock'], ['GET', '/api/providers/mock/keys'],
      ['POST', '/api/providers/mock/keys'], ['GET', '/api/providers/mock/keys/k'], ['PUT', '/api/providers/mock/keys/k'], ['DELETE', '/api/providers/mock/keys/k'], ['GET', '/api/health/providers'], ['GET', '/api/nothing'], ['GET', '/api//providers'], ['GET', '/api/%70roviders']] as const) {
      const { status } = await call(method, path, method === 'POST' || method === 'PUT' ? { provider: 'x' } : undefined, key)
      assert.equal(status, 401, `${method} ${path} with ${JSON.stringify(key)}`)
    }
  }
  assert.equal((await fetch(`${gateway.url}/api/config`)).status, 401, 'without the header')
  assert.deepEqual(file(), before)
})

test('the configuration is shown without its secrets', async (t) => {
  const { call } = await start(t, { one: keyed('http://127.0.0.1:9') })
  for (const path of ['/api/config', '/api/providers', '/api/providers/one', '/api/providers/one/keys', '/api/providers/one/keys/bee', '/api/health/providers']) {
    const { status, text } = await call('GET', path)
    assert.equal(status, 200, path)
    assert.doesNotMatch(text, /CANARY/, path)
  }
  assert.deepEqual((await call('GET', '/api/providers/one/keys')).json, {
    keys: [{ name: 'a', value: '<redacted>', models: ['*'], weight: 1 }, { id: 'bee', name: 'b', value: '<redacted>', models: ['m'], weight: 2 }],
    total: 2
  })
})

test('a provider is added, changed, used and removed, and the file says so', async (t) => {
  const upstream = await startFaultUpstream(t, ok)
  const { gateway, call, file } = await start(t, { mock: {} })
  const added = await call('POST', '/api/providers', { provider: 'new', ...keyed(upstream.url) })
  assert.equal(added.status, 201)
  assert.equal(added.json.reload?.generation, 2)
  assert.deepEqual(added.json.reload?.changes.map(({ path }) => path), ['providers.new'])
  assert.equal((await askChat(gateway.port, 'new/m')).status, 200)
  assert.deepEqual([(await call('POST', '/api/providers', { provider: 'new' })).status, (await call('POST', '/api/providers', {})).status], [409, 400])

  // Without keys the keys stay.
  const { keys: _, ...rest } = keyed(upstream.url) as { keys: unknown }
  assert.equal((await call('PUT', '/api/providers/new', { ...rest, threads: 2 })).status, 200)
  assert.equal(file().providers['new']?.keys[0]?.value, 'sk-CANARY-a')
  assert.equal((await askChat(gateway.port, 'new/m')).status, 200)

  assert.equal((await call('DELETE', '/api/providers/new')).status, 200)
  assert.deepEqual(Object.keys(file().providers), ['mock'])
  assert.equal((await askChat(gateway.port, 'new/m')).status, 400)
  assert.equal((await call('DELETE', '/api/providers/new')).status, 404)
})

test('keys are added, changed and removed by id', async (t) => {
  const upstream = await startFaultUpstream(t, ok)
  const { gateway, call, file } = await start(t, { one: keyed(upstream.url) })
  assert.equal((await call('POST', '/api/providers/one/keys', { name: 'c', value: 'sk-c', models: ['only-c'], weight: 1 })).status, 201)
  assert.equal((await askChat(gateway.port, 'one/only-c', {}, { 'x-bf-api-key': 'c' })).status, 200)
  assert.equal(upstream.requests.at(-1)?.headers['authorization'], 'Bearer sk-c')
  // What was shown redacted comes back, and the secret stays.
  const shown = (await call('GET', '/api/providers/one/keys/bee')).json
  assert.equal((await call('PUT', '/api/providers/one/keys/bee', { ...shown, weight: 9 })).status, 200)
  assert.deepEqual(file().providers['one']?.keys[1], { id: 'bee', name: 'b', value: 'sk-CANARY-b', models: ['m'], weight: 9 })
  assert.equal((await call('DELETE', '/api/providers/one/keys/a')).status, 200)
  assert.deepEqual(file().providers['one']?.keys.map(({ name }) => name), ['b', 'c'])
  for (const [method, path] of [['GET', '/api/providers/one/keys/a'], ['DELETE', '/api/providers/one/keys/a'], ['GET', '/api/providers/none/keys']] as const) assert.equal((await call(method, path)).status, 404)
})

test('the whole configuration comes back as it was shown, with a change', async (t) => {
  const { call, file } = await start(t, { one: keyed('http://127.0.0.1:9'), mock: {} })
  const before = file()
  const shown = (await call('GET', '/api/config')).json
  const { status, json } = await call('PUT', '/api/config', { ...shown, client: { drop_excess_requests: true } })
  assert.equal(status, 200)
  assert.deepEqual(json.reload?.changes.map(({ path }) => path), ['client.drop_excess_requests'])
  assert.deepEqual(file(), { ...before, client: { drop_excess_requests: true } })
})

test('what is not valid changes neither the file nor what runs, and all problems are told', async (t) => {
  const upstream = await startFaultUpstream(t, ok)
  const { gateway, call } = await start(t, { one: keyed(upstream.url) })
  const before = readFileSync(gateway.configPath, 'utf8')
  const refused: [string, string, unknown, number, RegExp][] = [
    ['PUT', '/api/config', { providers: { one: { threads: -1, keyz: 1 } } }, 400, /providers\.one\.keyz.*unknown key[^]*providers\.one\.threads = -1/],
    ['PUT', '/api/config', '{', 400, /not valid JSON/],
    ['PUT', '/api/config', '[]', 400, /must be a JSON object/],
    ['POST', '/api/providers', { provider: 'two', keys: [{ name: 'x', value: '<redacted>' }] }, 400, /providers\.two\.keys\[0\]\.value = <redacted>/],
    ['POST', '/api/providers', { provider: 'no such built-in', keys: [] }, 400, /provider name/],
    ['POST', '/api/providers', '{"provider":"two","threads":1,"threads":2}', 400, /twice/],
    ['POST', '/api/providers', `{"provider":"__proto__",${JSON.stringify(keyed('http://127.0.0.1:9')).slice(1)}`, 400, /__proto__/],
    ['PUT', '/api/config', '{"providers":{"__proto__":{}}}', 400, /__proto__/],
    ['POST', '/api/providers/one/keys', { name: 'a', value: 'sk-other', models: ['*'] }, 400, /unique/],
    ['PATCH', '/api/config', undefined, 405, /GET, PUT/],
    ['GET', '/api/providers/one/other', undefined, 404, /Route not found/]
  ]
  for (const [method, path, body, status, message] of refused) {
    const answer = await call(method, path, body)
    assert.equal(answer.status, status, `${method} ${path}: ${answer.text}`)
    assert.match(answer.json.error?.message ?? '', message)
  }
  assert.equal(readFileSync(gateway.configPath, 'utf8'), before)
  assert.equal((await askChat(gateway.port, 'one/m')).status, 200)
})

test('a file that keeps its mode is replaced whole, and nothing else stays in its folder', async (t) => {
  const { gateway, call } = await start(t, { mock: {} })
  chmodSync(gateway.configPath, 0o640)
  assert.equal((await call('PUT', '/api/providers/mock', { threads: 2 })).status, 200)
  assert.equal(statSync(gateway.configPath).mode & 0o777, 0o640)
})

test('the health page shows breakers, resting keys, the queue and latencies', async (t) => {
  const upstream = await startFaultUpstream(t, (exchange) => (exchange.json.model === 'sick' ? faults.status(503) : exchange.json.model === 'limited' ? faults.status(429, { 'retry-after': '30' }) : ok)(exchange))
  const { gateway, call } = await start(t, { up: { ...upstreamProvider(upstream.url), circuit_breaker: { minimum_requests: 2, open_in_seconds: 60, open_max_in_seconds: 60 } } })
  assert.equal((await askChat(gateway.port, 'up/m')).status, 200)
  for (let index = 0; index < 2; index++) assert.equal((await askChat(gateway.port, 'up/sick')).status, 503)
  assert.equal((await askChat(gateway.port, 'up/limited')).status, 429)
  const { json } = await call('GET', '/api/health/providers')
  const [up] = (json as unknown as { providers: [{ name: string, status: string, breakers: unknown, in_flight: number, queue: unknown, first_byte_ms: { p50: number, p95: number }, keys: { rests_ms: number }[] }] }).providers
  assert.deepEqual([up.name, up.status, up.in_flight, up.queue, up.breakers], ['up', 'ready', 0, { depth: 0, blocked: 0, buffer_size: 5000 }, [{ model: 'sick', state: 'open' }]])
  assert.ok(up.first_byte_ms.p50 <= up.first_byte_ms.p95)
  assert.ok((up.keys[0]?.rests_ms ?? 0) > 0)
})
