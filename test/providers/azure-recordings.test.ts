import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import type { ChatReply, JsonObject } from '../../src/api/chat.ts'
import type { AzureSettings } from '../../src/api/settings.ts'
import { chatDialectOf } from '../../src/dialects/registry.ts'
import { createAzureAdapter } from '../../src/providers/azure/adapter.ts'
import { createAzureFamily } from '../../src/providers/azure/provider.ts'
import { SseSplitter } from '../../src/upstream/sse-splitter.ts'
import { createAnswerContext } from '../dialects/answer-context.ts'
import { createKey, createProvider } from '../router/settings.ts'
import { createJob, noRecordings, readRecordings } from './recordings.ts'
import type { Recording } from './recordings.ts'
import { countsOf, lastUsage } from './replay-stream.ts'

const ofAzure = (kind: Parameters<typeof readRecordings>[0]): Recording[] => readRecordings(kind).filter(({ provider }) => provider === 'azure')
const unary = ofAzure('unary')
const streams = ofAzure('stream')
const errors = ofAzure('error')
const skip = unary.length === 0 ? noRecordings : false

const cloud: AzureSettings = { kind: 'azure', endpoint: 'https://name.services.ai.azure.com', apiVersion: '', clientId: '', clientSecret: '', tenantId: '', scopes: [], authority: '' }
const settings = createProvider('azure', { kind: 'azure', keys: [createKey({ cloud })] })
const family = createAzureFamily(settings)
const adapter = createAzureAdapter(settings, family)
const dialect = chatDialectOf('openai', 'chat_completion', {})

test('recorded chat requests come through the canonical form as they were', { skip }, (t) => {
  const recordings = [...unary, ...streams].filter(({ operation }) => operation === 'chat_completion')
  for (const { name, request } of recordings) {
    const body = request as JsonObject
    const model = body['model'] as string
    const stream = body['stream'] === true
    const dropped: string[] = []
    const canonical = dialect.toChatRequest(body, model, stream)
    const sent = family.chat(model)?.toChatRequest(canonical, { model, keyIndex: 0, stream, passExtraParams: false, drop: (member) => { dropped.push(member) } })
    assert.deepEqual(JSON.parse(JSON.stringify(sent?.body)), body, name)
    assert.deepEqual(dropped, [], name)
  }
  t.diagnostic(`${recordings.length} requests`)
})

test('recorded answers go through byte for byte, and come through the canonical form as they were', { skip }, (t) => {
  for (const { name, operation, body } of unary) {
    const answer = JSON.parse(body.toString('utf8')) as ChatReply & { usage: { input_tokens?: number, output_tokens?: number } }
    const reply = adapter.open(createJob(operation, { stream: false })).fromReply(body, {})
    assert.deepEqual(Buffer.from(reply.body), body, name)
    assert.deepEqual(reply.usage, countsOf(answer.usage as unknown as Record<string, unknown>), name)
    if (operation !== 'chat_completion') continue
    const context = { model: 'm', keyIndex: 0, stream: false, passExtraParams: false, drop: () => {} }
    const request = { model: 'm', messages: [] }
    const canonical = family.chat('m')?.fromChatReply(answer, request, context) as ChatReply
    assert.deepEqual(dialect.fromChatReply(canonical, request, createAnswerContext()), answer, name)
  }
  t.diagnostic(`${unary.length} answers`)
})

test('recorded streams are finished, without an error, with the usage that they report', { skip }, (t) => {
  for (const { name, operation, body } of streams) {
    const translator = adapter.open(createJob(operation)).createStreamTranslator()
    new SseSplitter(1 << 20).push(body, (event) => { translator.classify(event) })
    assert.deepEqual([translator.finished, translator.error], [true, null], name)
    assert.deepEqual(translator.usage, lastUsage(body), name)
  }
  t.diagnostic(`${streams.length} streams`)
})

test('recorded errors are typed', { skip }, (t) => {
  for (const { name, status, contentType, body } of errors) {
    const error = family.toError(status, { 'content-type': contentType }, body)
    const recorded = (JSON.parse(body.toString('utf8')) as { error: { code: string, message: string } }).error
    assert.deepEqual([error.code, error.status, error.upstreamCode, error.message], ['BIFROST_UPSTREAM_STATUS', status, recorded.code, recorded.message], name)
  }
  t.diagnostic(`${errors.length} errors`)
})

test('a token is fetched over the network from where the settings say', async (t) => {
  const asked: string[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => { body += chunk.toString() })
    request.on('end', () => {
      asked.push(`${request.method} ${request.url} ${body}`)
      response.end(JSON.stringify({ access_token: 'abc', expires_in: 3600 }))
    })
  })
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  t.after(() => { server.close() })
  const authority = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const entra = createProvider('azure', { kind: 'azure', keys: [createKey({ value: '', cloud: { ...cloud, clientId: 'c', clientSecret: 's', tenantId: 't', scopes: ['scope/.default'], authority } })] })
  const call = createAzureAdapter(entra, createAzureFamily(entra)).open(createJob('chat_completion'))
  const [first, second] = await Promise.all([call.toRequest(), call.toRequest()])
  for (const { headers } of [first, second]) assert.deepEqual(headers.slice(-2), ['authorization', 'Bearer abc'])
  assert.deepEqual(asked, ['POST /t/oauth2/v2.0/token grant_type=client_credentials&client_id=c&client_secret=s&scope=scope%2F.default'])
})
