import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, beforeEach, describe, test } from 'node:test'
import { createLogger } from '../../src/log.ts'
import { faults, ok } from '../helpers/faults.ts'
import { startFaultUpstream } from '../helpers/fault-upstream.ts'
import type { RecordedRequest } from '../helpers/fault-upstream.ts'
import { chatBody, startTestGateway, upstreamProvider } from '../helpers/gateway.ts'
import type { TestGateway } from '../helpers/gateway.ts'
import { RawClient } from '../helpers/http-client.ts'
import type { ClientResponse } from '../helpers/http-client.ts'

const secret = 'sk-CANARY-of-the-client'
const direct = { 'x-bf-direct-key': 'true' }
const anthropicReply = JSON.stringify({ id: 'msg_1', type: 'message', role: 'assistant', model: 'm', content: [{ type: 'text', text: 'Hello' }], stop_reason: 'end_turn', stop_sequence: null, usage: { input_tokens: 1, output_tokens: 1 } })
const geminiReply = JSON.stringify({ candidates: [{ content: { role: 'model', parts: [{ text: 'Hello' }] }, finishReason: 'STOP', index: 0 }], usageMetadata: { promptTokenCount: 1, candidatesTokenCount: 1, totalTokenCount: 2 } })

describe('a client\'s own key', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'bifrost-direct-'))
  after(() => { rmSync(folder, { recursive: true }) })
  const logger = createLogger({ level: 'trace', destination: join(folder, 'log') })
  const upstream = await startFaultUpstream({ after }, ok)
  const network = { base_url: upstream.url, max_retries: 0 }
  const stored = (name: string): object => ({ keys: [{ name, value: `sk-stored-${name}`, models: ['listed'] }], network_config: network })
  const providers = {
    openai: stored('openai'),
    anthropic: stored('anthropic'),
    gemini: stored('gemini'),
    groq: { network_config: network },
    spare: { ...upstreamProvider(upstream.url), custom_provider_config: { base_provider_type: 'openai' }, keys: [{ name: 'spare', value: 'sk-stored-spare', models: ['*'] }] },
    adaptive: { ...upstreamProvider(upstream.url), custom_provider_config: { base_provider_type: 'openai' }, keys: [{ name: 'a', value: 'sk-stored-adaptive', models: ['*'] }], adaptive_concurrency: { enabled: true } },
    azure: { keys: [{ name: 'az', value: 'sk-stored-azure', models: ['*'], azure_key_config: { endpoint: upstream.url } }], network_config: { allow_private_network: true } }
  }
  const open = await startTestGateway({ after }, { client: { allow_direct_keys: true }, providers }, logger)
  const shut = await startTestGateway({ after }, { providers }, logger)

  beforeEach(() => {
    upstream.requests.length = 0
    upstream.script = ok
  })

  async function ask (gateway: TestGateway, headers: Record<string, string>, model = 'openai/m', more: object = {}, path = '/v1/chat/completions'): Promise<ClientResponse> {
    const client = await RawClient.connect(gateway.port)
    try {
      const response = await client.request('POST', path, chatBody(model, more), headers)
      await response.end()
      return response
    } finally {
      client.socket.destroy()
    }
  }

  const last = (): RecordedRequest => upstream.requests.at(-1) ?? assert.fail('nothing was asked')
  const errorOf = (response: ClientResponse): [number, string] => [response.status, response.json.error.message]

  for (const [name, value] of [['authorization', `Bearer ${secret}`], ['x-api-key', secret], ['x-goog-api-key', secret], ['api-key', secret]] as const) {
    test(`goes to the provider out of ${name}, whatever models the stored keys list`, async () => {
      const response = await ask(open, { ...direct, [name]: value })
      assert.equal(response.status, 200)
      assert.equal(last().headers['authorization'], `Bearer ${secret}`)
      assert.equal(response.headers['x-bifrost-routing-info-key'], 'direct')
    })
  }

  test('stands where the provider wants it, also when the request is translated or streamed', async () => {
    upstream.script = (exchange) => { exchange.answer(200, anthropicReply) }
    assert.equal((await ask(open, { ...direct, authorization: `Bearer ${secret}` }, 'anthropic/m')).status, 200)
    assert.deepEqual([last().headers['x-api-key'], last().headers['authorization']], [secret, undefined])
    upstream.script = (exchange) => { exchange.answer(200, geminiReply) }
    assert.equal((await ask(open, { ...direct, 'x-api-key': secret }, 'gemini/m')).status, 200)
    assert.equal(last().headers['x-goog-api-key'], secret)
    upstream.script = ok
    assert.match((await ask(open, { ...direct, 'x-api-key': secret }, 'openai/m', { stream: true })).text, /\[DONE\]/)
    assert.equal(last().headers['authorization'], `Bearer ${secret}`)
  })

  test('is enough for a provider without stored keys', async () => {
    assert.equal((await ask(open, { authorization: `Bearer ${secret}` }, 'groq/m')).status, 503)
    assert.equal((await ask(open, { ...direct, authorization: `Bearer ${secret}` }, 'groq/m')).status, 200)
    assert.equal(last().headers['authorization'], `Bearer ${secret}`)
  })

  test('is of no use without its header, or without the setting, which then is named; nobody is asked with another key', async () => {
    assert.equal((await ask(open, { authorization: `Bearer ${secret}` }, 'openai/listed')).status, 200)
    assert.equal(last().headers['authorization'], 'Bearer sk-stored-openai')
    assert.equal((await ask(open, { authorization: `Bearer ${secret}`, 'x-bf-direct-key': 'false' }, 'openai/listed')).status, 200)
    assert.equal(last().headers['authorization'], 'Bearer sk-stored-openai')
    upstream.requests.length = 0
    const [status, message] = errorOf(await ask(shut, { ...direct, authorization: `Bearer ${secret}` }, 'openai/listed'))
    assert.equal(status, 400)
    assert.match(message, /client\.allow_direct_keys/)
    assert.equal(upstream.requests.length, 0)
  })

  test('is refused where there is none, where it cannot be one, and where a key is not all that it takes', async () => {
    const cases: [Record<string, string>, string, RegExp][] = [
      [{}, 'openai/m', /needs a key in authorization \(Bearer\), x-api-key, x-goog-api-key or api-key/],
      [{ authorization: 'Basic abc' }, 'openai/m', /needs a key/],
      [{ authorization: 'Bearer sk-bf-123' }, 'openai/m', /virtual key/],
      [{ 'x-api-key': 'a b' }, 'openai/m', /x-api-key must hold a key/],
      [{ 'x-api-key': 'x'.repeat(2_049) }, 'openai/m', /x-api-key must hold a key/],
      [{ 'x-api-key': secret }, 'azure/m', /cannot be used with azure/],
      [{ 'x-api-key': secret, 'x-bf-direct-key': 'yes' }, 'openai/m', /must be true or false, not "yes"/]
    ]
    for (const [headers, model, wanted] of cases) {
      const [status, message] = errorOf(await ask(open, { ...direct, ...headers }, model, { fallbacks: ['spare/m'] }))
      assert.equal(status, 400, model)
      assert.match(message, wanted)
    }
    assert.equal(upstream.requests.length, 0)
  })

  test('does not go to fallbacks, which use stored keys', async () => {
    upstream.script = (exchange) => (exchange.request.headers['authorization'] === `Bearer ${secret}` ? faults.status(401) : ok)(exchange)
    const response = await ask(open, { ...direct, 'x-api-key': secret }, 'openai/m', { fallbacks: ['spare/m'] })
    assert.equal(response.status, 200)
    assert.deepEqual(upstream.requests.map(({ headers }) => headers['authorization']), [`Bearer ${secret}`, 'Bearer sk-stored-spare'])
  })

  test('rests for nobody: what one client\'s key may not do neither stops another client\'s nor a stored one', async () => {
    upstream.script = (exchange) => (exchange.request.headers['authorization'] === `Bearer ${secret}` ? faults.status(429, { 'retry-after': '60' }) : ok)(exchange)
    for (const provider of ['openai', 'adaptive']) {
      const limit = await open.metric('bifrost_concurrency_limit', { provider })
      for (let index = 0; index < 5; index++) assert.equal((await ask(open, { ...direct, 'x-api-key': secret }, `${provider}/listed`)).status, 429)
      assert.ok(await open.metric('bifrost_concurrency_limit', { provider }) >= limit)
      assert.equal((await ask(open, { ...direct, 'x-api-key': 'sk-another' }, `${provider}/listed`)).status, 200)
      assert.equal((await ask(open, {}, `${provider}/listed`)).status, 200)
    }
  })

  test('stands in no log line, no metric, no header and no body', async () => {
    const answers: string[] = []
    for (const status of [200, 401, 500] as const) {
      upstream.script = status === 200 ? ok : faults.status(status)
      const { headers, text } = await ask(open, { ...direct, authorization: `Bearer ${secret}`, 'x-bf-attempt-trail': 'true' })
      answers.push(JSON.stringify(headers), text)
    }
    answers.push((await ask(open, { ...direct, 'x-api-key': `${secret} with a space` })).text)
    answers.push(await (await fetch(`${open.url}/metrics`)).text())
    await new Promise<void>((resolve) => { logger.flush(() => { resolve() }) })
    const log = readFileSync(join(folder, 'log'), 'utf8')
    assert.doesNotMatch(answers.join('\n') + log, /CANARY/)
    assert.match(log, /"keyName":"direct"/)
    assert.ok(await open.metric('bifrost_upstream_requests_total', { selected_key_name: 'direct' }) > 0)
  })
})
