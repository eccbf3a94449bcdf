import assert from 'node:assert/strict'
import { createHash, createHmac } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import type { BedrockSettings } from '../../src/api/settings.ts'
import { GatewayError } from '../../src/errors.ts'
import type { AdapterRequest } from '../../src/providers/adapter.ts'
import type { RoleWorld } from '../../src/providers/bedrock/assume-role.ts'
import { createBedrockFamily } from '../../src/providers/bedrock/provider.ts'
import { sign } from '../../src/providers/bedrock/sign.ts'
import { createJob } from './recordings.ts'
import { bedrockSettings, createBedrockProvider, createContext } from './bedrock-calls.ts'

const keys = { accessKey: 'AKIDEXAMPLE', secretKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY', sessionToken: '' }
const dateMs = Date.UTC(2015, 7, 30, 12, 36, 0)
const vector: AdapterRequest = { origin: 'https://example.amazonaws.com', path: '/', headers: [], body: new Uint8Array(0) }

function headerOf ({ headers }: AdapterRequest, name: string): string | undefined {
  const index = headers.findIndex((header, at) => at % 2 === 0 && header === name)
  return index < 0 ? undefined : headers[index + 1]
}

const scope = 'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request'

test('the published vector post-vanilla', async () => {
  const signed = await sign(vector, 'service', 'us-east-1', keys, dateMs)
  assert.equal(headerOf(signed, 'x-amz-date'), '20150830T123600Z')
  assert.equal(headerOf(signed, 'authorization'), `${scope}, SignedHeaders=host;x-amz-date, Signature=5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b`)
})

test('the published vector post-sts-header-before: the session token is signed', async () => {
  const sessionToken = 'AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA=='
  const signed = await sign(vector, 'service', 'us-east-1', { ...keys, sessionToken }, dateMs)
  assert.equal(headerOf(signed, 'x-amz-security-token'), sessionToken)
  assert.equal(headerOf(signed, 'authorization'), `${scope}, SignedHeaders=host;x-amz-date;x-amz-security-token, Signature=85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead`)
})

/** The signature by the steps of Amazon's documentation. @param canonicalPath as it is signed */
function recompute (request: AdapterRequest, canonicalPath: string, region: string): string {
  const hash = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex')
  const hmac = (key: string | Buffer, data: string): Buffer => createHmac('sha256', key).update(data).digest()
  const dateTime = headerOf(request, 'x-amz-date') as string
  const date = dateTime.slice(0, 8)
  const canonical = ['POST', canonicalPath, '', `host:${new URL(request.origin).host}`, `x-amz-date:${dateTime}`, '', 'host;x-amz-date', hash(request.body)].join('\n')
  const text = ['AWS4-HMAC-SHA256', dateTime, `${date}/${region}/bedrock/aws4_request`, hash(canonical)].join('\n')
  const key = ['aws4_request', 'bedrock', region, date].reduceRight((derived: string | Buffer, part) => hmac(derived, part), `AWS4${keys.secretKey}`)
  return createHmac('sha256', key).update(text).digest('hex')
}

const world = (fetch: RoleWorld['fetch'] = () => assert.fail('nobody may be asked'), nowMs = () => dateMs): RoleWorld => ({ nowMs, fetch })

const ids: [string, Partial<BedrockSettings>, string, string][] = [
  ['us.amazon.nova-2-lite-v1:0', {}, '/model/us.amazon.nova-2-lite-v1%3A0/converse', '/model/us.amazon.nova-2-lite-v1%253A0/converse'],
  ['arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.a', { arn: 'arn:ignored' }, '/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Ainference-profile%2Fus.a/converse', '/model/arn%253Aaws%253Abedrock%253Aus-east-1%253A123456789012%253Ainference-profile%252Fus.a/converse'],
  ['abc123', { arn: 'arn:aws:bedrock:us-east-1:1:application-inference-profile' }, '/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Aapplication-inference-profile%2Fabc123/converse', '/model/arn%253Aaws%253Abedrock%253Aus-east-1%253A1%253Aapplication-inference-profile%252Fabc123/converse'],
  ['../secret?a#b', {}, '/model/..%2Fsecret%3Fa%23b/converse', '/model/..%252Fsecret%253Fa%2523b/converse']
]

for (const [model, cloud, path, canonicalPath] of ids) {
  test(`the model ${model} is one segment, encoded once on the wire and twice in what is signed`, async () => {
    const family = createBedrockFamily(createBedrockProvider(cloud), world())
    const request = family.chat(model)?.toChatRequest({ model, messages: [{ role: 'user', content: 'Hi' }] }, createContext([], { model }))
    assert.ok(request !== undefined)
    assert.equal(request.url.pathname, path)
    const headers = ['content-type', 'application/json', 'accept', 'application/json', 'user-agent', 'bifrost', 'x-trace', 'a']
    const signed = await family.authorize({ origin: request.url.origin, path: request.url.pathname, headers, body: Buffer.from(JSON.stringify(request.body)) }, 0)
    assert.equal(signed.origin, 'https://bedrock-runtime.eu-central-1.amazonaws.com')
    assert.equal(headerOf(signed, 'authorization'), `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-central-1/bedrock/aws4_request, SignedHeaders=host;x-amz-date, Signature=${recompute(signed, canonicalPath, 'eu-central-1')}`)
    assert.equal(headerOf(signed, 'x-trace'), 'a')
  })
}

test('a model that would leave its place in the path is refused', () => {
  const family = createBedrockFamily(createBedrockProvider())
  for (const model of ['.', '..']) assert.throws(() => family.toNativeRequest(createJob('chat_completion', { model })), (error) => error instanceof GatewayError && error.param === 'model')
})

test('an address of its own takes the place of the region\'s', () => {
  const family = createBedrockFamily({ ...createBedrockProvider(), baseUrl: 'https://vpce-1.example.com/bedrock' })
  assert.equal(family.toNativeRequest(createJob('chat_completion', { model: 'a:0' })).url.href, 'https://vpce-1.example.com/bedrock/model/a%3A0/converse-stream')
  assert.equal(family.toNativeRequest(createJob('chat_completion', { model: 'a:0', stream: false })).url.href, 'https://vpce-1.example.com/bedrock/model/a%3A0/converse')
})

test('forwarded headers cannot replace the signature, and Amazon\'s own are signed', async () => {
  const family = createBedrockFamily(createBedrockProvider(), world())
  const signed = await family.authorize({ ...vector, headers: ['authorization', 'Bearer x', 'x-amz-date', '19990101T000000Z', 'x-amz-meta', 'm', 'x-forwarded-for', '1.2.3.4', 'connection', 'close'] }, 0)
  assert.match(headerOf(signed, 'authorization') as string, /SignedHeaders=host;x-amz-date;x-amz-meta, /)
  assert.deepEqual(signed.headers.filter((name, index) => index % 2 === 0 && ['authorization', 'x-amz-date'].includes(name)), ['authorization', 'x-amz-date'])
})

test('a bearer key goes before everything else', () => {
  const family = createBedrockFamily(createBedrockProvider({ roleArn: 'arn:role' }, 'bedrock-api-key'), world())
  const request = family.authorize({ ...vector, headers: [] }, 0) as AdapterRequest
  assert.deepEqual(request.headers, ['authorization', 'Bearer bedrock-api-key'])
})

test('without credentials, the answer is 401', async () => {
  const family = createBedrockFamily(createBedrockProvider({ accessKey: '', secretKey: '' }), world())
  await assert.rejects(async () => await family.authorize({ ...vector }, 0), (error) => error instanceof GatewayError && error.code === 'BIFROST_UPSTREAM_STATUS' && error.status === 401)
})

test('a stand-in for Bedrock that needs no key gets none, unless there is one', async () => {
  for (const cloud of [{ accessKey: '', secretKey: '' }, {}]) {
    const family = createBedrockFamily({ ...createBedrockProvider(cloud), keyless: true }, world())
    const request = await family.authorize({ ...vector, headers: [] }, 0)
    assert.equal(headerOf(request, 'authorization') === undefined, cloud.accessKey === '')
  }
})

const answerXml = (accessKey: string, expiresAtMs: number): string => `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><AssumedRoleUser><Arn>arn:x</Arn></AssumedRoleUser><Credentials>
  <AccessKeyId>${accessKey}</AccessKeyId><SecretAccessKey>role/secret+1</SecretAccessKey><SessionToken>role//token==</SessionToken><Expiration>${new Date(expiresAtMs).toISOString()}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`
const role = { roleArn: 'arn:aws:iam::1:role/r', externalId: 'ext', sessionName: 'team' }
const keyOf = (request: AdapterRequest): string | undefined => /Credential=(\w+)\//.exec(headerOf(request, 'authorization') ?? '')?.[1]

test('a role is assumed by a signed request, once for all who wait, and again shortly before its credentials end', async () => {
  let nowMs = dateMs
  const asked: { url: string, body: string, headers: [string, string][] }[] = []
  const family = createBedrockFamily(createBedrockProvider(role), world(async (url, { body, headers }) => {
    asked.push({ url, body, headers })
    await new Promise((resolve) => { setImmediate(resolve) })
    return { status: 200, text: async () => answerXml(`ASIA${asked.length}`, nowMs + 3_600_000) }
  }, () => nowMs))
  const authorize = async (): Promise<AdapterRequest> => await family.authorize({ ...vector }, 0)
  const signed = await Promise.all(Array.from({ length: 20 }, authorize))
  assert.equal(asked.length, 1)
  assert.ok(signed.every((request) => keyOf(request) === 'ASIA1' && headerOf(request, 'x-amz-security-token') === 'role//token=='))
  assert.equal(asked[0]?.url, 'https://sts.eu-central-1.amazonaws.com/')
  assert.equal(asked[0].body, 'Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr&RoleSessionName=team&DurationSeconds=3600&ExternalId=ext')
  assert.match(new Map(asked[0].headers).get('authorization') as string, /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/20150830\/eu-central-1\/sts\/aws4_request, SignedHeaders=host;x-amz-date, /)
  nowMs += 3_600_000 - 301_000
  assert.equal(keyOf(await authorize()), 'ASIA1')
  nowMs += 2_000
  assert.equal(keyOf(await authorize()), 'ASIA2')
  assert.equal(asked.length, 2)
})

test('credentials that still work serve while STS does not; then the failure shows, and the next request asks again', async () => {
  let nowMs = dateMs
  let answer: () => Promise<{ status: number, text: () => Promise<string> }> = async () => ({ status: 200, text: async () => answerXml('ASIA1', dateMs + 600_000) })
  const family = createBedrockFamily(createBedrockProvider(role), world(async () => await answer(), () => nowMs))
  const authorize = async (): Promise<AdapterRequest> => await family.authorize({ ...vector }, 0)
  await authorize()
  answer = async () => { throw new Error('no route') }
  nowMs += 400_000
  assert.equal(keyOf(await authorize()), 'ASIA1')
  nowMs += 200_000
  await assert.rejects(authorize, (error) => error instanceof GatewayError && error.code === 'BIFROST_UPSTREAM_CONNECT')
  answer = async () => ({ status: 200, text: async () => answerXml('ASIA2', nowMs + 600_000) })
  assert.equal(keyOf(await authorize()), 'ASIA2')
})

const refusals: [number, string, number, string][] = [
  [403, '<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>User is not authorized to perform: sts:AssumeRole</Message></Error></ErrorResponse>', 401, 'AccessDenied'],
  [400, '<ErrorResponse><Error><Code>Throttling</Code><Message>Rate exceeded</Message></Error></ErrorResponse>', 429, 'Throttling'],
  [500, '', 503, 'upstream_error'],
  [200, '<html>a portal</html>', 503, 'upstream_error']
]

for (const [status, body, expected, type] of refusals) {
  test(`STS answers ${status}: the attempt fails with ${expected}`, async () => {
    const family = createBedrockFamily(createBedrockProvider(role), world(async () => ({ status, text: async () => body })))
    await assert.rejects(async () => await family.authorize({ ...vector }, 0), (error) => {
      assert.ok(error instanceof GatewayError)
      assert.deepEqual([error.code, error.status, error.type], ['BIFROST_UPSTREAM_STATUS', expected, type])
      assert.ok(!error.message.includes(bedrockSettings.secretKey))
      return true
    })
  })
}

test('the endpoint of the settings is asked, over the real network', async (t) => {
  const seen: string[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk) => { body += String(chunk) })
    request.on('end', () => {
      seen.push(`${request.method} ${request.url} ${request.headers['content-type']} ${new URLSearchParams(body).get('RoleArn')} ${/^AWS4-HMAC-SHA256 /.test(request.headers.authorization ?? '')}`)
      response.end(answerXml('ASIAREAL', Date.now() + 3_600_000))
    })
  })
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  t.after(() => { server.close(); server.closeAllConnections() })
  const family = createBedrockFamily(createBedrockProvider({ ...role, stsEndpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }))
  assert.equal(keyOf(await family.authorize({ ...vector }, 0)), 'ASIAREAL')
  assert.deepEqual(seen, ['POST / application/x-www-form-urlencoded arn:aws:iam::1:role/r true'])
})
