import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import type { ProviderSettings } from '../../src/api/settings.ts'
import type { AdapterRequest } from '../../src/providers/adapter.ts'
import { TokenSource } from '../../src/providers/vertex/auth.ts'
import { createVertexFamily } from '../../src/providers/vertex/provider.ts'
import { loadProvider } from '../config/load-text.ts'

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048, publicKeyEncoding: { type: 'spki', format: 'pem' }, privateKeyEncoding: { type: 'pkcs8', format: 'pem' } })
const grantType = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

interface TokenServer {
  url: string
  /** What each request asserted. */
  claims: Record<string, unknown>[]
  /** What is answered next; a token by default. */
  answer: { status: number, body: unknown } | null
}

async function readBody (request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}

/** @throws when the assertion is not signed by the account */
function readAssertion (assertion: string, key: KeyObject): Record<string, unknown> {
  const [head = '', claims = '', signature = ''] = assertion.split('.')
  assert.equal((JSON.parse(Buffer.from(head, 'base64url').toString('utf8')) as { alg: string }).alg, 'RS256')
  assert.ok(verify('RSA-SHA256', Buffer.from(`${head}.${claims}`), key, Buffer.from(signature, 'base64url')), 'the signature does not fit')
  return JSON.parse(Buffer.from(claims, 'base64url').toString('utf8')) as Record<string, unknown>
}

/** Google's token server, on loopback. */
async function startTokenServer (t: TestContext): Promise<TokenServer> {
  const state: TokenServer = { url: '', claims: [], answer: null }
  const key = createPublicKey(publicKey)
  const server = createServer((request, response: ServerResponse) => {
    readBody(request).then((body) => {
      const form = new URLSearchParams(body)
      assert.equal(form.get('grant_type'), grantType)
      state.claims.push(readAssertion(form.get('assertion') ?? '', key))
      const { status, body: answer } = state.answer ?? { status: 200, body: { access_token: `token-${state.claims.length}`, expires_in: 3600, token_type: 'Bearer' } }
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
    }).catch((error: unknown) => { response.writeHead(400, { 'content-type': 'application/json' }).end(JSON.stringify({ error: 'invalid_grant', error_description: String(error) })) })
  }).listen(0, '127.0.0.1')
  t.after(() => { server.closeAllConnections(); server.close() })
  await once(server, 'listening')
  state.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`
  return state
}

function createSettings (tokenUrl: string, more: object = {}): ProviderSettings {
  const account = { type: 'service_account', project_id: 'p-1', private_key_id: 'k-1', private_key: privateKey, client_email: 'gateway@p-1.iam.gserviceaccount.com', token_uri: tokenUrl, ...more }
  return loadProvider('vertex', { keys: [{ name: 'main', vertex_key_config: { auth_credentials: JSON.stringify(account) } }] })
}

const request = (): AdapterRequest => ({ origin: '', path: '', headers: [], body: new Uint8Array(0) })

test('a service account gets a token for an assertion that it signed, once for many requests', async (t) => {
  const server = await startTokenServer(t)
  const family = createVertexFamily(createSettings(server.url))
  const authorized = await Promise.all(Array.from({ length: 20 }, async () => await family.authorize(request(), 0)))
  for (const { headers } of authorized) assert.deepEqual(headers, ['authorization', 'Bearer token-1'])
  assert.equal(server.claims.length, 1)
  const { iss, scope, iat, exp } = server.claims[0] as { iss: string, scope: string, iat: number, exp: number }
  assert.equal(iss, 'gateway@p-1.iam.gserviceaccount.com')
  assert.equal(scope, 'https://www.googleapis.com/auth/cloud-platform')
  assert.equal(exp - iat, 3600)
  // A token that is there costs no turn.
  const again = family.authorize(request(), 0)
  assert.ok(!(again instanceof Promise))
  assert.deepEqual(again.headers, ['authorization', 'Bearer token-1'])
})

test('a token is replaced shortly before it expires, not before', async (t) => {
  const server = await startTokenServer(t)
  let nowMs = Date.now()
  const family = createVertexFamily(createSettings(server.url), { fetch: null, nowMs: () => nowMs })
  const tokenOf = async (): Promise<string | undefined> => (await family.authorize(request(), 0)).headers[1]
  assert.equal(await tokenOf(), 'Bearer token-1')
  nowMs += 3_500_000
  assert.equal(await tokenOf(), 'Bearer token-1')
  nowMs += 60_000
  server.answer = { status: 200, body: { access_token: 'token-2', expires_in: 7200, token_type: 'Bearer' } }
  assert.equal(await tokenOf(), 'Bearer token-2')
  assert.equal(await tokenOf(), 'Bearer token-2')
  assert.equal(server.claims.length, 2)
})

test('a refused account is 401, and the next request asks again', async (t) => {
  const server = await startTokenServer(t)
  const family = createVertexFamily(createSettings(server.url))
  server.answer = { status: 400, body: { error: 'invalid_grant', error_description: 'Invalid JWT Signature.' } }
  await assert.rejects(async () => await family.authorize(request(), 0), { code: 'BIFROST_UPSTREAM_STATUS', status: 401, provider: 'vertex', message: 'No access token for key main of vertex: invalid_grant: Invalid JWT Signature.' })
  server.answer = null
  assert.deepEqual((await family.authorize(request(), 0)).headers, ['authorization', 'Bearer token-2'])
})

test('the token server checks signatures: another key is refused', async (t) => {
  const server = await startTokenServer(t)
  const other = generateKeyPairSync('rsa', { modulusLength: 2048, publicKeyEncoding: { type: 'spki', format: 'pem' }, privateKeyEncoding: { type: 'pkcs8', format: 'pem' } })
  await assert.rejects(async () => await createVertexFamily(createSettings(server.url, { private_key: other.privateKey })).authorize(request(), 0), { status: 401 })
  assert.equal(server.claims.length, 0)
})

test('an account whose key is no key is 401, without a word of it in the message', async (t) => {
  const server = await startTokenServer(t)
  await assert.rejects(async () => await createVertexFamily(createSettings(server.url, { private_key: 'CANARY' })).authorize(request(), 0), (error: Error & { status: number }) => {
    assert.equal(error.status, 401)
    assert.ok(!error.message.includes('CANARY'), error.message)
    return true
  })
})

test('a token server that is not there says nothing about the key', async (t) => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  t.diagnostic(`nobody listens on ${port}`)
  await assert.rejects(async () => await createVertexFamily(createSettings(`http://127.0.0.1:${port}/token`)).authorize(request(), 0), { code: 'BIFROST_UPSTREAM_CONNECT', provider: 'vertex' })
})

test('a token server that does not answer holds nobody up for ever, and is asked again', async (t) => {
  let asked = 0
  const server = createServer((incoming, response) => {
    incoming.resume()
    if (++asked > 1) response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ access_token: 'late', expires_in: 3600 }))
  }).listen(0, '127.0.0.1')
  t.after(() => { server.closeAllConnections(); server.close() })
  await once(server, 'listening')
  const account = { type: 'service_account', private_key: privateKey, client_email: 'g@p.iam.gserviceaccount.com', token_uri: `http://127.0.0.1:${(server.address() as AddressInfo).port}/token` }
  const source = new TokenSource('vertex', 'main', JSON.stringify(account), { fetch: null, nowMs: Date.now }, 300)
  const waiting = [source.get(), source.get()]
  for (const promise of waiting) await assert.rejects(async () => await promise, { code: 'BIFROST_UPSTREAM_CONNECT', message: 'No access token for key main of vertex: no answer within 300 ms' })
  assert.equal(await source.get(), 'late')
})

test('the value of a key is an API key, and an account beside it wins', async (t) => {
  const server = await startTokenServer(t)
  const plain = loadProvider('vertex', { keys: [{ value: 'AIza', vertex_key_config: { project_id: 'p' } }] })
  assert.deepEqual((await createVertexFamily(plain).authorize(request(), 0)).headers, ['x-goog-api-key', 'AIza'])
  const both = createSettings(server.url)
  const settings = { ...both, keys: both.keys.map((key) => ({ ...key, value: 'AIza' })) }
  assert.deepEqual((await createVertexFamily(settings).authorize(request(), 0)).headers, ['authorization', 'Bearer token-1'])
})

test('application default credentials come from where the gateway runs', async (t) => {
  const server = createServer((incoming, response) => {
    response.setHeader('metadata-flavor', 'Google')
    if (incoming.url?.includes('/token') === true) response.setHeader('content-type', 'application/json').end(JSON.stringify({ access_token: 'from-metadata', expires_in: 3600, token_type: 'Bearer' }))
    else response.end('p-9')
  }).listen(0, '127.0.0.1')
  t.after(() => { server.closeAllConnections(); server.close() })
  await once(server, 'listening')
  const before = { ...process.env }
  t.after(() => { process.env = before })
  delete process.env['GOOGLE_APPLICATION_CREDENTIALS']
  process.env['HOME'] = '/nonexistent'
  process.env['METADATA_SERVER_DETECTION'] = 'assume-present'
  process.env['GCE_METADATA_HOST'] = `127.0.0.1:${(server.address() as AddressInfo).port}`
  const settings = loadProvider('vertex', { keys: [{ vertex_key_config: { project_id: 'p-9' } }] })
  assert.deepEqual((await createVertexFamily(settings).authorize(request(), 0)).headers, ['authorization', 'Bearer from-metadata'])
})
