import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import type { ProviderSettings } from '../../src/api/settings.ts'
import { createFetch } from '../../src/fetch/proxied-fetch.ts'
import type { AdapterRequest } from '../../src/providers/adapter.ts'
import { load } from '../config/load-text.ts'
import { startProxy } from '../helpers/proxy.ts'
import { createAdapter } from '../providers/create-adapter.ts'
import { createJob } from '../providers/recordings.ts'

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048, publicKeyEncoding: { type: 'spki', format: 'pem' }, privateKeyEncoding: { type: 'pkcs8', format: 'pem' } })
const account = { type: 'service_account', project_id: 'p', private_key_id: 'k', private_key: privateKey, client_email: 'a@p.iam.gserviceaccount.com', token_uri: 'http://google.invalid/token' }
const roleAnswer = `<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIAPROXY</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>
  <Expiration>${new Date(Date.now() + 3_600_000).toISOString()}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`

/** Per cloud: what its provider is called in the config, its key, the token server that only the proxy can find, and what a request then carries. */
const clouds: [string, object, string, RegExp][] = [
  ['azure', { azure_key_config: { endpoint: 'https://a.openai.azure.com', client_id: 'c', client_secret: 's', tenant_id: 't' } }, 'entra.invalid:80', /Bearer token-of-the-proxy/],
  ['vertex', { vertex_key_config: { project_id: 'p', region: 'us-central1', auth_credentials: JSON.stringify(account) } }, 'google.invalid:80', /Bearer token-of-the-proxy/],
  ['bedrock', { bedrock_key_config: { access_key: 'AKIA', secret_key: 's', region: 'us-east-1', role_arn: 'arn:aws:iam::1:role/r' } }, 'sts.invalid:80', /Credential=ASIAPROXY/]
]

function settingsOf (name: string, key: object, proxyUrl: string): ProviderSettings {
  const provider = { keys: [{ name: 'main', models: ['*'], weight: 1, ...key }], proxy_config: { type: 'http', url: proxyUrl } }
  return load({ providers: { [name]: provider } }, { AZURE_AUTHORITY_HOST: 'http://entra.invalid', AWS_ENDPOINT_URL_STS: 'http://sts.invalid' }).settings.providers[0] as ProviderSettings
}

async function authorized (settings: ProviderSettings): Promise<AdapterRequest> {
  return await createAdapter(settings).open(createJob('chat_completion', { model: 'm', body: Buffer.from('{"model":"m","messages":[{"role":"user","content":"Hi"}]}') })).toRequest()
}

for (const [name, key, tokenServer, credential] of clouds) {
  test(`${name}: the token server is asked through the provider's proxy`, async (t) => {
    const server = createServer((request, response) => {
      request.resume().on('end', () => {
        const isRole = request.headers.host === 'sts.invalid'
        response.setHeader('content-type', isRole ? 'text/xml' : 'application/json').end(isRole ? roleAnswer : JSON.stringify({ access_token: 'token-of-the-proxy', expires_in: 3600, token_type: 'Bearer' }))
      })
    })
    await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
    t.after(() => {
      server.close()
      server.closeAllConnections()
    })
    const proxy = await startProxy(t, { port: (server.address() as AddressInfo).port })
    assert.match((await authorized(settingsOf(name, key, proxy.url))).headers.join(' '), credential)
    assert.deepEqual(proxy.asked.map(({ target }) => target), [tokenServer])
  })

  test(`${name}: a proxy that refuses says nothing about the key`, async (t) => {
    const proxy = await startProxy(t, { onConnect: (socket) => { socket.end('HTTP/1.1 503 no\r\n\r\n') } })
    await assert.rejects(authorized(settingsOf(name, key, proxy.url)), { code: 'BIFROST_UPSTREAM_CONNECT', provider: name })
    assert.ok(proxy.asked.length > 0)
  })
}

test('what is wrong with the proxy is the error', async (t) => {
  const proxy = await startProxy(t, { onConnect: (socket) => { socket.end('HTTP/1.1 407 no\r\n\r\n') } })
  await assert.rejects(createFetch({ url: proxy.url, username: '', password: '', caCertPem: '' })('http://a.invalid/'), { code: 'EPROXY', message: 'the proxy answered 407' })
})
