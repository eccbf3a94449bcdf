import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { createLogger } from '../../src/log.ts'
import { startFaultUpstream } from '../helpers/fault-upstream.ts'
import { chatBody, startTestGateway, upstreamProvider } from '../helpers/gateway.ts'
import type { TestGateway } from '../helpers/gateway.ts'
import { RawClient } from '../helpers/http-client.ts'
import { contentEvent } from '../helpers/sse.ts'

const named = (type: string, fields: object): string => `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`
/** 40 bytes, by rule of thumb 10 tokens. */
const text = 'The quick brown fox jumps over a dog or.'

/** As Anthropic's documentation of streaming has it: the input is counted at the start, the output at the end. */
const anthropicStream = named('message_start', { message: { id: 'msg_1', type: 'message', role: 'assistant', content: [], model: 'claude-opus-4-6', stop_reason: null, stop_sequence: null, usage: { input_tokens: 2_000, output_tokens: 1 } } }) +
  named('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }) +
  named('content_block_delta', { index: 0, delta: { type: 'text_delta', text } })

/** Gemini counts with every chunk. */
const geminiStream = [['The quick', 2], [` ${text.slice(10)}`, 9]].map(([part, count]) =>
  `data: ${JSON.stringify({ candidates: [{ index: 0, content: { role: 'model', parts: [{ text: part }] } }], usageMetadata: { promptTokenCount: 7, candidatesTokenCount: count, totalTokenCount: 7 + Number(count) } })}\r\n\r\n`).join('')

const openAiStream = contentEvent('The') + contentEvent(' quick') + contentEvent(' dog or.')

const responsesStream = named('response.created', { response: { id: 'resp_1', object: 'response', status: 'in_progress', output: [] } }) +
  named('response.output_text.delta', { item_id: 'i', output_index: 0, content_index: 0, delta: 'The' }) +
  named('response.output_text.delta', { item_id: 'i', output_index: 0, content_index: 0, delta: ' dog or.' })

describe('the usage of a stream whose client leaves', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'bifrost-aborted-'))
  after(() => { rmSync(folder, { recursive: true }) })
  const logger = createLogger({ level: 'info', destination: join(folder, 'log') })
  const upstream = await startFaultUpstream({ after }, () => {})
  const keys = [{ name: 'main', value: 'x', models: ['*'] }]
  const vendor = { keys, network_config: { base_url: upstream.url } }
  const gateway = await startTestGateway({ after }, {
    providers: {
      anthropic: vendor,
      gemini: vendor,
      openai: vendor,
      shared: { ...upstreamProvider(upstream.url), single_flight: { enabled: true } },
      mock: { mock: { tokens: 1_000, tokens_per_second: 100 } }
    }
  }, logger)

  interface Booked { input: number, output: number, estimated: number, costUsd: number, log: Record<string, unknown> | undefined }

  /** Asks, leaves when the stream has said ` dog or.` and returns what was booked. */
  async function leave (stream: string, path: string, body: object, provider: string): Promise<Booked> {
    upstream.script = (exchange) => {
      exchange.openStream()
      void exchange.write(stream)
    }
    const before = await totals(gateway, provider)
    const client = await RawClient.connect(gateway.port)
    const id = `${provider}-${Math.random()}`
    const response = await client.request('POST', path, JSON.stringify(body), { 'x-request-id': id })
    await response.until('dog or.')
    client.socket.destroy()
    await gateway.whenIdle()
    const now = await totals(gateway, provider)
    await new Promise<void>((resolve) => { logger.flush(() => { resolve() }) })
    const lines = readFileSync(join(folder, 'log'), 'utf8').trim().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>).filter(({ requestId }) => requestId === id)
    assert.equal(lines.length, 1)
    const [input = 0, output = 0, estimated = 0, costUsd = 0] = now.map((value, index) => value - (before[index] as number))
    return { input, output, estimated, costUsd, log: lines[0] }
  }

  const chat = (model: string): object => JSON.parse(chatBody(model, { stream: true })) as object
  const messages = (model: string): object => ({ ...chat(model), max_tokens: 100 })

  for (const [name, path, body] of [['in its own words', '/anthropic/v1/messages', messages('anthropic/claude-opus-4-6')], ['in OpenAI\'s words', '/v1/chat/completions', chat('anthropic/claude-opus-4-6')]] as const) {
    test(`is Anthropic's count of the input and an estimate of the output after it, asked ${name}`, async () => {
      const { input, output, estimated, costUsd, log } = await leave(anthropicStream, path, body, 'anthropic')
      assert.deepEqual([input, output, estimated], [2_000, 11, 10])
      // USD 5 and 25 per million tokens, by the vendor's list.
      assert.ok(Math.abs(costUsd - (2_000 * 5 + 11 * 25) / 1e6) < 1e-12)
      assert.deepEqual([log?.['outcome'], log?.['status'], log?.['inputTokens'], log?.['outputTokens'], log?.['estimatedTokens']], ['BIFROST_CLIENT_CLOSED', 200, 2_000, 11, 10])
      assert.ok(Number(log?.['upstreamMs']) > 0)
    })
  }

  test('is what Gemini has counted with its last chunk, and nothing of it is estimated', async () => {
    const { input, output, estimated, log } = await leave(geminiStream, '/v1/chat/completions', chat('gemini/gemini-2.5-pro'), 'gemini')
    assert.deepEqual([input, output, estimated], [7, 9, 0])
    assert.equal(log?.['estimatedTokens'], undefined)
  })

  test('is a token per event where OpenAI would have counted at the end', async () => {
    const { input, output, estimated } = await leave(openAiStream, '/v1/chat/completions', chat('openai/gpt-4o-mini'), 'openai')
    assert.deepEqual([input, output, estimated], [0, 3, 3])
  })

  test('is a token per delta of a Responses stream', async () => {
    const { output, estimated } = await leave(responsesStream, '/v1/responses', { model: 'openai/gpt-4o-mini', input: 'hello', stream: true }, 'openai')
    assert.deepEqual([output, estimated], [2, 2])
  })

  test('is booked once, with the last of those that share the stream', async () => {
    const { output, estimated } = await leave(openAiStream, '/v1/chat/completions', { ...chat('shared/m'), temperature: 0 }, 'shared')
    assert.deepEqual([output, estimated], [3, 3])
  })

  test('is booked in the same way where the provider breaks the stream', async () => {
    for (const [provider, stream, path, body, wanted] of [
      ['openai', openAiStream, '/v1/chat/completions', chat('openai/gpt-4o-mini'), [0, 3, 3]],
      ['anthropic', anthropicStream, '/v1/messages', messages('claude-opus-4-6'), [2_000, 11, 10]]
    ] as const) {
      upstream.script = async (exchange) => {
        exchange.openStream()
        await exchange.write(stream)
        exchange.halfClose()
      }
      const before = await totals(gateway, provider)
      const client = await RawClient.connect(gateway.port)
      const response = await client.request('POST', path, JSON.stringify(body), { 'x-request-id': `${provider}-broken` })
      await response.end()
      client.socket.destroy()
      await gateway.whenIdle()
      const used = (await totals(gateway, provider)).map((value, index) => value - (before[index] as number))
      assert.deepEqual(used.slice(0, 3), wanted)
      assert.ok((used[3] as number) > 0)
      await new Promise<void>((resolve) => { logger.flush(() => { resolve() }) })
      const line = readFileSync(join(folder, 'log'), 'utf8').trim().split('\n').map((text) => JSON.parse(text) as Record<string, unknown>).find(({ requestId }) => requestId === `${provider}-broken`)
      assert.deepEqual([line?.['outcome'], line?.['inputTokens'], line?.['outputTokens'], line?.['estimatedTokens']], ['BIFROST_UPSTREAM_TRUNCATED', ...wanted])
    }
  })

  test('is what the mock has said so far', async () => {
    const before = await totals(gateway, 'mock')
    const client = await RawClient.connect(gateway.port)
    const response = await client.chat(chatBody('mock/m', { stream: true }))
    await response.until('"a "')
    client.socket.destroy()
    await gateway.whenIdle()
    const [input = 0, output = 0] = (await totals(gateway, 'mock')).map((value, index) => value - (before[index] as number))
    assert.ok(input > 0)
    assert.ok(output >= 1 && output < 900, String(output))
  })
})

test('a stream that a shutdown cuts is booked all the same', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'bifrost-aborted-'))
  t.after(() => { rmSync(folder, { recursive: true }) })
  const logger = createLogger({ level: 'info', destination: join(folder, 'log') })
  const upstream = await startFaultUpstream(t, (exchange) => {
    exchange.openStream()
    void exchange.write(openAiStream)
  })
  const gateway = await startTestGateway(t, { client: { shutdown_timeout_in_seconds: 0.1 }, providers: { up: upstreamProvider(upstream.url) } }, logger)
  const client = await RawClient.connect(gateway.port)
  const response = await client.chat(chatBody('up/m', { stream: true }), { 'x-request-id': 'cut' })
  await response.until('dog or.')
  await gateway.close()
  await new Promise<void>((resolve) => { logger.flush(() => { resolve() }) })
  const lines = readFileSync(join(folder, 'log'), 'utf8').trim().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>).filter(({ requestId }) => requestId === 'cut')
  assert.deepEqual(lines.map(({ outcome, outputTokens }) => [outcome, outputTokens]), [['BIFROST_CLIENT_CLOSED', 3]])
})

async function totals (gateway: TestGateway, provider: string): Promise<number[]> {
  return Promise.all(['bifrost_input_tokens_total', 'bifrost_output_tokens_total', 'bifrost_estimated_output_tokens_total', 'bifrost_cost_total'].map((name) => gateway.metric(name, { provider })))
}
