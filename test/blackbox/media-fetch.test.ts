import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, describe, test } from 'node:test'
import { png, startFileServer } from '../fetch/file-server.ts'
import { startTestGateway } from '../helpers/gateway.ts'
import type { TestGateway } from '../helpers/gateway.ts'
import { RawClient } from '../helpers/http-client.ts'
import { eventually, within } from '../helpers/wait.ts'

const pdf = Buffer.from('%PDF-1.4\n%%EOF\n')
const base64 = png.toString('base64')

interface Asked { path: string, body: Record<string, unknown> }

/** Every vendor of this test in one: it answers by the path that was asked. */
const answers: readonly [RegExp, (response: ServerResponse) => void][] = [
  [/\/converse$/, json({ output: { message: { role: 'assistant', content: [{ text: 'A dot.' }] } }, stopReason: 'end_turn', usage: { inputTokens: 3, outputTokens: 2, totalTokens: 5 }, metrics: { latencyMs: 1 } })],
  [/\/count-tokens$/, json({ inputTokens: 42 })],
  [/\/api\/chat$/, json({ model: 'llava', created_at: '2025-10-09T08:53:20.000Z', message: { role: 'assistant', content: 'A dot.' }, done: true, done_reason: 'stop', prompt_eval_count: 3, eval_count: 2 })],
  [/:generateContent$/, json({ candidates: [{ content: { role: 'model', parts: [{ text: 'A dot.' }] }, finishReason: 'STOP', index: 0 }], usageMetadata: { promptTokenCount: 3, candidatesTokenCount: 2, totalTokenCount: 5 } })],
  [/:countTokens$/, json({ totalTokens: 42 })],
  [/:rawPredict$/, json({ id: 'msg_1', type: 'message', role: 'assistant', model: 'claude', content: [{ type: 'text', text: 'A dot.' }], stop_reason: 'end_turn', stop_sequence: null, usage: { input_tokens: 3, output_tokens: 2 } })],
  [/\/v1\/messages$/, json({ id: 'msg_1', type: 'message', role: 'assistant', model: 'claude', content: [{ type: 'text', text: 'A dot.' }], stop_reason: 'end_turn', stop_sequence: null, usage: { input_tokens: 3, output_tokens: 2 } })]
]

function json (body: unknown): (response: ServerResponse) => void {
  return (response) => { response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body)) }
}

const image = (url: string): object => ({ type: 'image_url', image_url: { url } })
const chatOf = (model: string, part: object, more: object = {}): object => ({ model, messages: [{ role: 'user', content: [{ type: 'text', text: 'What is this?' }, part] }], max_tokens: 10, ...more })

describe('media by their address, for providers that take bytes', async () => {
  const asked: Asked[] = []
  const vendor = createServer((request, response) => {
    const pieces: Buffer[] = []
    request.on('data', (piece: Buffer) => { pieces.push(piece) })
    request.on('end', () => {
      const path = (request.url ?? '').replace(/\?.*$/, '')
      asked.push({ path, body: JSON.parse(Buffer.concat(pieces).toString('utf8')) as Record<string, unknown> })
      const answer = answers.find(([pattern]) => pattern.test(path))?.[1]
      if (answer === undefined) response.writeHead(404).end('{}')
      else answer(response)
    })
  })
  await new Promise<void>((resolve) => { vendor.listen(0, '127.0.0.1', resolve) })
  after(() => { vendor.close(); vendor.closeAllConnections() })
  const vendorUrl = `http://127.0.0.1:${(vendor.address() as AddressInfo).port}`

  const held: ServerResponse[] = []
  const files = await startFileServer({ after }, (path, response) => {
    const sendPng = (): void => { response.writeHead(200, { 'content-type': 'image/png' }).end(png) }
    if (path.startsWith('/hang')) held.push(response)
    else if (path.startsWith('/slow')) setTimeout(sendPng, 1_300)
    else if (path.startsWith('/404')) response.writeHead(404).end()
    else if (path.startsWith('/report')) response.writeHead(200, { 'content-type': 'application/pdf' }).end(pdf)
    else sendPng()
  })
  // It listens where the gateway must not look: another host by the operator's list.
  const hidden = await startFileServer({ after }, (_path, response) => { response.writeHead(200, { 'content-type': 'image/png' }).end(png) })

  const bedrock = (network: object = {}, more: object = {}): object => ({
    keys: [{ name: 'b', bedrock_key_config: { region: 'eu-central-1', access_key: 'AKIDEXAMPLE', secret_key: 'secret' } }],
    network_config: { base_url: vendorUrl, max_retries: 0, ...network },
    ...more
  })
  const network = { network_config: { base_url: vendorUrl, max_retries: 0 } }
  const providers = {
    bedrock: bedrock(),
    ollama: { ...network, keys: [{ name: 'o', ollama_key_config: { url: vendorUrl, native: true } }] },
    gemini: { ...network, keys: [{ name: 'g', value: 'k' }] },
    vertex: { ...network, keys: [{ name: 'v', value: 'k', vertex_key_config: { project_id: 'p', region: 'europe-west4' } }] },
    anthropic: { ...network, keys: [{ name: 'a', value: 'k' }] }
  }
  const client = { media_fetch: { allowed_hosts: [files.host] } }
  const gateway = await startTestGateway({ after }, { client, providers })

  async function post (path: string, body: object, to: TestGateway = gateway): Promise<{ status: number, body: Record<string, unknown> & { error?: { message: string, param: string | null, code: string } } }> {
    const response = await fetch(to.url + path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
    return { status: response.status, body: await response.json() as Record<string, unknown> }
  }
  async function chat (body: object, to: TestGateway = gateway): ReturnType<typeof post> {
    return await post('/v1/chat/completions', body, to)
  }
  const lastAsked = (): Asked => asked.at(-1) as Asked

  test('Bedrock gets the bytes of an image and of a document', async () => {
    const { status, body } = await chat(chatOf('bedrock/amazon.nova-lite-v1:0', image(`${files.url}/dot.png?token=secret`)))
    assert.equal(status, 200, JSON.stringify(body))
    assert.deepEqual((lastAsked().body['messages']), [{ role: 'user', content: [{ text: 'What is this?' }, { image: { format: 'png', source: { bytes: base64 } } }] }])
    await chat(chatOf('bedrock/amazon.nova-lite-v1:0', { type: 'file', file: { filename: 'report.pdf', file_url: `${files.url}/report` } }))
    assert.deepEqual((lastAsked().body['messages']), [{ role: 'user', content: [{ text: 'What is this?' }, { document: { format: 'pdf', name: 'report', source: { bytes: pdf.toString('base64') } } }] }])
  })

  test("Ollama's own API gets the bytes of an image", async () => {
    const { status, body } = await chat(chatOf('ollama/llava', image(`${files.url}/dot.png`)))
    assert.equal(status, 200, JSON.stringify(body))
    assert.deepEqual((lastAsked().body['messages']), [{ role: 'user', content: 'What is this?', images: [base64] }])
  })

  test('Gemini gets bytes where it does not fetch, and addresses where it does', async () => {
    const inline = { inlineData: { mimeType: 'image/png', data: base64 } }
    const partsOf = (): unknown => (lastAsked().body['contents'] as { parts: unknown[] }[])[0]?.parts[1]
    for (const model of ['gemini-2.5-flash', 'gemini-2.0-flash']) {
      await chat(chatOf(`gemini/${model}`, image(`${files.url}/dot.png`)))
      assert.deepEqual(partsOf(), inline, model)
    }
    await chat(chatOf('gemini/gemini-2.5-flash', image('https://example.com/dot.png?size=1')))
    assert.deepEqual(partsOf(), { fileData: { fileUri: 'https://example.com/dot.png?size=1', mimeType: 'image/png' } })
    await chat(chatOf('vertex/gemini-2.0-flash', image('https://example.com/dot.png')))
    assert.deepEqual(partsOf(), { fileData: { fileUri: 'https://example.com/dot.png', mimeType: 'image/png' } })
  })

  test("Anthropic's models get bytes at Vertex AI, and addresses at Anthropic", async () => {
    await chat(chatOf('vertex/claude-sonnet-4-5', image(`${files.url}/dot.png`)))
    assert.deepEqual((lastAsked().body['messages'] as { content: unknown[] }[])[0]?.content[1], { type: 'image', source: { type: 'base64', media_type: 'image/png', data: base64 } })
    const before = files.requests.length
    await chat(chatOf('anthropic/claude-sonnet-4-5', image(`${files.url}/dot.png`)))
    assert.deepEqual((lastAsked().body['messages'] as { content: unknown[] }[])[0]?.content[1], { type: 'image', source: { type: 'url', url: `${files.url}/dot.png` } })
    assert.equal(files.requests.length, before)
  })

  test('it works for clients of other dialects, for Responses and for counts of tokens', async () => {
    const expected = { image: { format: 'png', source: { bytes: base64 } } }
    const contentOf = (body: unknown): unknown[] => (body as { messages: { content: unknown[] }[] }).messages[0]?.content ?? []
    const responses = await post('/v1/responses', { model: 'bedrock/nova', input: [{ role: 'user', content: [{ type: 'input_image', image_url: `${files.url}/dot.png`, detail: 'auto' }] }] })
    assert.equal(responses.status, 200, JSON.stringify(responses.body))
    assert.deepEqual(contentOf(lastAsked().body), [expected])
    const anthropic = { model: 'bedrock/nova', max_tokens: 10, messages: [{ role: 'user', content: [{ type: 'image', source: { type: 'url', url: `${files.url}/dot.png` } }, { type: 'document', source: { type: 'url', url: `${files.url}/report` } }] }] }
    const messages = await post('/v1/messages', anthropic)
    assert.equal(messages.status, 200, JSON.stringify(messages.body))
    assert.deepEqual(contentOf(lastAsked().body), [expected, { document: { format: 'pdf', name: 'document', source: { bytes: pdf.toString('base64') } } }])
    const count = await post('/v1/messages/count_tokens', { ...anthropic, max_tokens: undefined })
    assert.deepEqual(count.body, { input_tokens: 42 }, JSON.stringify(count.body))
    assert.match(lastAsked().path, /\/count-tokens$/)
    assert.ok(JSON.stringify(lastAsked().body).includes(base64))
  })

  test('what cannot be had is the fault of the request: told by field and host, and of no breaker', async () => {
    const before = asked.length
    const { status, body } = await chat(chatOf('bedrock/nova', image(`${files.url}/404.png?token=secret`)))
    assert.equal(status, 400)
    assert.deepEqual(body.error, {
      message: `messages[0].content[1].image_url.url could not be fetched from ${files.host}, since it answered with status 404. Send a data URL instead.`,
      type: 'invalid_request_error',
      param: 'messages[0].content[1].image_url.url',
      code: 'BIFROST_INVALID_REQUEST'
    })
    for (let count = 0; count < 40; count++) assert.equal((await chat(chatOf('bedrock/nova', image(`${files.url}/404.png`)))).status, 400)
    assert.equal(asked.length, before)
    assert.equal((await chat(chatOf('bedrock/nova', { type: 'text', text: 'And now?' }))).status, 200)
  })

  test('what the operator has not named is not fetched from this machine', async () => {
    for (const url of [`${hidden.url}/dot.png`, `http://localhost:${hidden.host.split(':')[1]}/dot.png`, 'http://169.254.169.254/latest/meta-data/', 'http://[::1]/']) {
      const { status, body } = await chat(chatOf('ollama/llava', image(url)))
      assert.equal(status, 400)
      assert.match(body.error?.message ?? '', /could not be fetched from .*, since its (host has no public address|port is \d+, not one of 80, 443, 8080, 8443)/)
    }
    assert.equal(hidden.requests.length, 0)
  })

  test('a fallback that takes addresses is tried', async () => {
    const { status } = await chat(chatOf('bedrock/nova', image(`${files.url}/404.png`), { fallbacks: ['anthropic/claude-sonnet-4-5'] }))
    assert.equal(status, 200)
    assert.match(lastAsked().path, /\/v1\/messages$/)
  })

  for (const stream of [false, true]) {
    test(`a client that leaves takes the fetch along, ${stream ? 'stream' : 'unary'}`, async () => {
      held.length = 0
      const before = asked.length
      const raw = await RawClient.connect(gateway.port)
      void raw.chat(JSON.stringify(chatOf('bedrock/nova', image(`${files.url}/hang.png`), { stream }))).catch(() => {})
      await eventually(() => held.length === 1, 'the file is asked for')
      const closed = new Promise<void>((resolve) => { held[0]?.once('close', resolve) })
      raw.socket.destroy()
      await within(closed, 'the fetch is stopped', 2_000)
      await gateway.whenIdle()
      assert.equal(asked.length, before)
    })
  }

  test("the provider's deadlines begin when its request is complete", async (t) => {
    const impatient = await startTestGateway(t, { client, providers: { bedrock: bedrock({ connect_timeout_in_seconds: 1, default_request_timeout_in_seconds: 1 }) } })
    // A thread that is still starting must not count.
    await eventually(async () => (await chat(chatOf('bedrock/nova', { type: 'text', text: 'Hello.' }), impatient)).status === 200, 'the provider answers')
    const { status, body } = await chat(chatOf('bedrock/nova', image(`${files.url}/slow.png`)), impatient)
    assert.equal(status, 200, JSON.stringify(body))
  })

  test('the limit of time and of size is that of the config', async (t) => {
    const strict = await startTestGateway(t, { client: { media_fetch: { ...client.media_fetch, timeout_in_seconds: 0.2, max_file_size_mb: 0.00006 } }, providers: { bedrock: bedrock() } })
    assert.match((await chat(chatOf('bedrock/nova', image(`${files.url}/hang.png`)), strict)).body.error?.message ?? '', /took longer than client\.media_fetch\.timeout_in_seconds \(0\.2 s\)/)
    assert.match((await chat(chatOf('bedrock/nova', image(`${files.url}/dot.png`)), strict)).body.error?.message ?? '', /is larger than client\.media_fetch\.max_file_size_mb \(62 bytes\)/)
  })

  test('a provider behind a proxy fetches nothing, and neither does one where it is switched off', async (t) => {
    const before = files.requests.length
    const proxied = await startTestGateway(t, { client, providers: { bedrock: bedrock({}, { proxy_config: { type: 'http', url: 'http://127.0.0.1:9' } }) } })
    assert.deepEqual((await chat(chatOf('bedrock/nova', image(`${files.url}/dot.png`)), proxied)).body.error?.message, `messages[0].content[1].image_url.url could not be fetched from ${files.host}, since providers.bedrock.proxy_config is set. Send a data URL instead.`)
    const off = await startTestGateway(t, { client: { media_fetch: { ...client.media_fetch, enabled: false } }, providers: { bedrock: bedrock() } })
    assert.match((await chat(chatOf('bedrock/nova', image(`${files.url}/dot.png`)), off)).body.error?.message ?? '', /must be a base64 data URL: Bedrock takes bytes and fetches no URL/)
    assert.equal(files.requests.length, before)
  })
})
