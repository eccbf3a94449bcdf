import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AzureSettings } from '../../src/api/settings.ts'
import { GatewayError } from '../../src/errors.ts'
import { EntraToken } from '../../src/providers/azure/auth.ts'
import { createAzureFamily } from '../../src/providers/azure/provider.ts'
import { createKey, createProvider } from '../router/settings.ts'

const settings: AzureSettings = { kind: 'azure', endpoint: 'https://name.openai.azure.com', apiVersion: '', clientId: 'client', clientSecret: 's&cret', tenantId: 'tenant', scopes: ['https://cognitiveservices.azure.com/.default'], authority: 'https://login.example' }

interface Asked { url: string, body: string, headers: Record<string, string> }

/** Entra ID with a clock that stands still until it is set. */
class FakeEntra {
  nowMs = 1_000
  readonly asked: Asked[] = []
  answer: () => Promise<{ status: number, body: string }> = async () => ({ status: 200, body: JSON.stringify({ access_token: `token-${this.asked.length}`, expires_in: 3600, token_type: 'Bearer' }) })
  readonly world = {
    fetch: async (url: string, init: { headers: Record<string, string>, body: string }) => {
      this.asked.push({ url, body: init.body, headers: init.headers })
      const { status, body } = await this.answer()
      return { status, text: async () => body }
    },
    nowMs: () => this.nowMs
  }

  readonly token = new EntraToken(settings, 'azure', this.world)
}

test('client credentials are exchanged for a token as OAuth 2.0 says', async () => {
  const entra = new FakeEntra()
  assert.equal(await entra.token.get(), 'token-1')
  assert.deepEqual(entra.asked, [{
    url: 'https://login.example/tenant/oauth2/v2.0/token',
    body: 'grant_type=client_credentials&client_id=client&client_secret=s%26cret&scope=https%3A%2F%2Fcognitiveservices.azure.com%2F.default',
    headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' }
  }])
})

test('many who wait share one fetch, and those who come later need none', async () => {
  const entra = new FakeEntra()
  const all = await Promise.all(Array.from({ length: 100 }, () => entra.token.get()))
  assert.deepEqual([...new Set(all)], ['token-1'])
  assert.equal(entra.token.get(), 'token-1', 'no promise')
  assert.equal(entra.asked.length, 1)
})

test('shortly before its end a token is replaced while the old one serves', async () => {
  const entra = new FakeEntra()
  await entra.token.get()
  entra.nowMs += 3_299_999
  assert.equal(entra.token.get(), 'token-1')
  assert.equal(entra.asked.length, 1)
  entra.nowMs += 1
  assert.equal(entra.token.get(), 'token-1')
  assert.equal(entra.token.get(), 'token-1')
  assert.equal(entra.asked.length, 2, 'once for both')
  await new Promise(setImmediate)
  assert.equal(entra.token.get(), 'token-2')
  entra.nowMs += 3_600_000
  assert.equal(await entra.token.get(), 'token-3', 'an ended one does not serve')
})

test('a token that ends soon is replaced at half of its time', async () => {
  const entra = new FakeEntra()
  entra.answer = async () => ({ status: 200, body: JSON.stringify({ access_token: 'short', expires_in: '60' }) })
  await entra.token.get()
  entra.nowMs += 29_999
  void entra.token.get()
  assert.equal(entra.asked.length, 1)
  entra.nowMs += 1
  void entra.token.get()
  assert.equal(entra.asked.length, 2)
})

const failures: [string, () => Promise<{ status: number, body: string }>, string, number, string | null][] = [
  ['a refusal', async () => ({ status: 401, body: '{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided.\\r\\nTrace ID: x"}' }), 'BIFROST_UPSTREAM_STATUS', 401, 'invalid_client'],
  ['a bad request', async () => ({ status: 400, body: '{"error":"invalid_scope"}' }), 'BIFROST_UPSTREAM_STATUS', 401, 'invalid_scope'],
  ['an answer without a token', async () => ({ status: 200, body: '{}' }), 'BIFROST_UPSTREAM_STATUS', 401, 'invalid_token_answer'],
  ['an answer that is no JSON', async () => ({ status: 200, body: '<html>' }), 'BIFROST_UPSTREAM_STATUS', 401, 'invalid_token_answer'],
  ['an outage', async () => ({ status: 503, body: '' }), 'BIFROST_UPSTREAM_CONNECT', 502, null],
  ['no connection', async () => { throw new TypeError('fetch failed') }, 'BIFROST_UPSTREAM_CONNECT', 502, null]
]

for (const [what, answer, code, status, upstreamCode] of failures) {
  test(`${what} fails the requests that wait, and the next one asks again`, async () => {
    const entra = new FakeEntra()
    const good = entra.answer
    entra.answer = answer
    const both = await Promise.allSettled([entra.token.get(), entra.token.get()])
    for (const one of both) {
      assert.ok(one.status === 'rejected' && one.reason instanceof GatewayError)
      assert.deepEqual([one.reason.code, one.reason.status, one.reason.upstreamCode, one.reason.provider], [code, status, upstreamCode, 'azure'])
      assert.ok(!one.reason.message.includes('s&cret') && !one.reason.message.includes('Trace ID'))
    }
    assert.equal(entra.asked.length, 1)
    entra.answer = good
    assert.equal(await entra.token.get(), 'token-2')
  })
}

test('a failure while the old token lasts is nobody\'s', async () => {
  const entra = new FakeEntra()
  await entra.token.get()
  entra.nowMs += 3_400_000
  entra.answer = async () => ({ status: 503, body: '' })
  assert.equal(entra.token.get(), 'token-1')
  await new Promise(setImmediate)
  assert.equal(entra.token.get(), 'token-1', 'asks again, and serves')
  assert.equal(entra.asked.length, 3)
})

test('a key with Entra ID credentials sends the token and no api-key, each key its own', async () => {
  const entra = new FakeEntra()
  const keys = [createKey({ value: 'unused', cloud: settings }), createKey({ value: '', cloud: { ...settings, tenantId: 'other' } }), createKey({ value: 'plain', cloud: { ...settings, clientSecret: '' } })]
  const family = createAzureFamily(createProvider('azure', { kind: 'azure', keys }), entra.world)
  const headersOf = async (keyIndex: number): Promise<string[]> => (await family.authorize({ origin: '', path: '', headers: [], body: Buffer.alloc(0) }, keyIndex)).headers
  assert.deepEqual(await headersOf(0), ['authorization', 'Bearer token-1'])
  assert.deepEqual(await headersOf(1), ['authorization', 'Bearer token-2'])
  assert.deepEqual(await headersOf(0), ['authorization', 'Bearer token-1'])
  assert.deepEqual(await headersOf(2), ['api-key', 'plain'])
  assert.deepEqual(entra.asked.map(({ url }) => url), ['https://login.example/tenant/oauth2/v2.0/token', 'https://login.example/other/oauth2/v2.0/token'])
})
