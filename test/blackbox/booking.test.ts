import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { loadConfig } from '../../src/config/load.ts'
import type { LoadedConfig } from '../../src/config/load.ts'
import { createLogger } from '../../src/log.ts'
import { startGateway } from '../../src/main.ts'
import { startTestGateway } from '../helpers/gateway.ts'

const messages = [{ role: 'user', content: 'CANARY question' }]

function ask (url: string, body: object, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${url}/v1/chat/completions`, { method: 'POST', body: JSON.stringify({ messages, ...body }), headers })
}

test('configured labels take their values from x-bf-dim headers, on the HTTP and the upstream metrics', async (t) => {
  const gateway = await startTestGateway(t, { client: { prometheus_labels: ['team', 'Env'] }, providers: { mock: {} } })
  await (await ask(gateway.url, { model: 'mock/a' }, { 'x-bf-dim-team': 'blue', 'x-bf-dim-env': 'prod' })).text()
  await (await ask(gateway.url, { model: 'mock/a' }, { 'x-bf-prom-team': 'blue' })).text()
  await (await ask(gateway.url, { model: 'mock/a' })).text()
  assert.equal(await gateway.metric('bifrost_upstream_requests_total', { team: 'blue', Env: 'prod' }), 1)
  assert.equal(await gateway.metric('bifrost_upstream_requests_total', { team: 'blue', Env: '' }), 1)
  assert.equal(await gateway.metric('bifrost_upstream_requests_total', { team: '', Env: '' }), 1)
  assert.equal(await gateway.metric('http_requests_total', { team: 'blue', path: '/v1/chat/completions' }), 2)
})

test('a paced stream is measured from token to token, and its first token from the request', async (t) => {
  const gateway = await startTestGateway(t, { providers: { mock: { mock: { tokens: 5, tokens_per_second: 200 } } } })
  const text = await (await ask(gateway.url, { model: 'mock/a', stream: true, stream_options: { include_usage: true } })).text()
  // A role chunk, five tokens, the finish, usage and the end mark: nine chunks, one after the other.
  assert.equal(text.match(/^data: /gm)?.length, 9)
  await gateway.whenIdle()
  assert.equal(await gateway.metric('bifrost_stream_inter_token_latency_seconds_count'), 8)
  assert.ok(await gateway.metric('bifrost_stream_inter_token_latency_seconds_sum') > 0.02)
  assert.equal(await gateway.metric('bifrost_stream_first_token_latency_seconds_count'), 1)
  assert.equal(await gateway.metric('bifrost_output_tokens_total'), 5)
})

test('every request is one line of the log, whatever its ending, and no body is in it', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'bifrost-log-'))
  t.after(() => { rmSync(folder, { recursive: true }) })
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ server: { port: 0 }, providers: { mock: {} } }))
  const load = (generation: number): LoadedConfig => loadConfig({ path: join(folder, 'config.json'), environment: {}, overrides: {}, generation })
  const logger = createLogger({ level: 'info', destination: join(folder, 'log') })
  const gateway = await startGateway({ loaded: load(1), load, configPath: null, logger, version: '0.0.0' })
  const url = `http://127.0.0.1:${gateway.port}`
  const requests: [object, number, string][] = [
    [{ model: 'mock/a' }, 200, 'ok'],
    [{ model: 'mock/a', stream: true }, 200, 'ok'],
    [{ model: 'mock/fail-503' }, 503, 'BIFROST_UPSTREAM_STATUS'],
    [{ model: 'nowhere/a' }, 400, 'BIFROST_UNKNOWN_PROVIDER'],
    [{}, 400, 'BIFROST_MODEL_REQUIRED']
  ]
  for (const [index, [body, status]] of requests.entries()) {
    const response = await ask(url, body, { 'x-request-id': `id-${index}` })
    await response.text()
    assert.equal(response.status, status)
  }
  await (await fetch(`${url}/health`)).text()
  await gateway.close()
  await new Promise<void>((resolve) => { logger.flush(() => { resolve() }) })
  const log = readFileSync(join(folder, 'log'), 'utf8')
  const lines = log.trim().split('\n').map((line) => JSON.parse(line) as { requestId: string, status: number, outcome: string })
  assert.deepEqual(lines.map(({ requestId, status, outcome }) => [requestId, status, outcome]),
    requests.map(([, status, outcome], index) => [`id-${index}`, status, outcome]))
  assert.doesNotMatch(log, /CANARY/)
})
