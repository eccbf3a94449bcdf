import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { startFaultUpstream } from '../helpers/fault-upstream.ts'
import { startTestGateway, upstreamProvider } from '../helpers/gateway.ts'
import { RawClient } from '../helpers/http-client.ts'
import type { ClientResponse } from '../helpers/http-client.ts'
import { contentEvent, doneEvent, finishEvent, usageEvent } from '../helpers/sse.ts'

const [first, second] = [
  { candidates: [{ content: { parts: [{ text: 'Grüße, ' }], role: 'model' }, index: 0 }], usageMetadata: { promptTokenCount: 3, totalTokenCount: 3 }, modelVersion: 'gemini-2.5-flash', responseId: 'r1' },
  { candidates: [{ content: { parts: [{ text: 'a\n,\r\nb' }], role: 'model' }, finishReason: 'STOP', index: 0 }], usageMetadata: { promptTokenCount: 3, candidatesTokenCount: 5, totalTokenCount: 8 }, modelVersion: 'gemini-2.5-flash', responseId: 'r1' }
]
const event = (body: object): string => `data: ${JSON.stringify(body)}\r\n\r\n`
const question = JSON.stringify({ contents: [{ role: 'user', parts: [{ text: 'hello' }] }] })

interface Chunk { candidates?: { content: { parts: { text: string }[] }, finishReason?: string }[], usageMetadata?: { candidatesTokenCount?: number }, error?: { code: number, message: string, status: string } }

// Google documents streamGenerateContent as a stream of GenerateContentResponse: an array unless `alt=sse` asks for events.
describe('a stream of Gemini\'s dialect without alt=sse', async () => {
  const upstream = await startFaultUpstream({ after }, () => {})
  const gateway = await startTestGateway({ after }, {
    providers: { gemini: { keys: [{ name: 'main', value: 'x', models: ['*'] }], network_config: { base_url: upstream.url, max_retries: 0 } }, up: upstreamProvider(upstream.url), mock: {} }
  })

  async function ask (t: { after: (fn: () => void) => void }, model: string, query: string, until = ''): Promise<ClientResponse> {
    const client = await RawClient.connect(gateway.port)
    t.after(() => { client.socket.destroy() })
    const response = await client.request('POST', `/genai/v1beta/models/${model}:streamGenerateContent${query}`, question)
    if (until === '') await response.end()
    else await response.until(until)
    return response
  }

  const answer = (text: string) => {
    upstream.script = async (exchange) => {
      exchange.openStream()
      await exchange.write(text)
      exchange.end()
    }
  }

  const textOf = (chunks: Chunk[]): string => chunks.flatMap(({ candidates = [] }) => candidates.flatMap(({ content }) => content.parts.map(({ text }) => text))).join('')

  for (const query of ['', '?alt=json', '?key=alt%3Dsse']) {
    test(`is one JSON array of what Gemini sent, for the query ${query || '(none)'}`, async (t) => {
      answer(`: comment\n\n${event(first)}${event(second)}`)
      const { status, headers, text } = await ask(t, 'gemini-2.5-flash', query)
      assert.deepEqual([status, headers['content-type']], [200, 'application/json'])
      assert.deepEqual(JSON.parse(text), [first, second])
      assert.match(text, /^\[\{.*\}\n,\r\n\{.*\}\n\]\n$/)
      assert.match(upstream.requests.at(-1)?.path ?? '', /[?&]alt=sse$/)
    })
  }

  for (const query of ['?alt=sse', '?key=x&alt=sse', '?%24alt=sse']) {
    test(`is events as before for ${query}`, async (t) => {
      answer(event(first) + event(second))
      const { headers, text } = await ask(t, 'gemini-2.5-flash', query)
      assert.deepEqual([headers['content-type'], text], ['text/event-stream', event(first) + event(second)])
    })
  }

  test('comes element by element, each complete but for the comma', async (t) => {
    upstream.script = async (exchange) => {
      exchange.openStream()
      await exchange.write(event(first))
    }
    const { text } = await ask(t, 'gemini-2.5-flash', '', '"r1"}')
    assert.deepEqual(JSON.parse(`${text}]`), [first])
  })

  test('is translated from another provider\'s words', async (t) => {
    answer(`${contentEvent('Hello')}${contentEvent(' there')}${finishEvent()}${usageEvent(4, 2)}${doneEvent}`)
    const { headers, text } = await ask(t, 'up/m', '')
    const chunks = JSON.parse(text) as Chunk[]
    assert.equal(headers['content-type'], 'application/json')
    assert.equal(textOf(chunks), 'Hello there')
    assert.deepEqual([chunks.at(-1)?.candidates?.[0]?.finishReason, chunks.at(-1)?.usageMetadata?.candidatesTokenCount], ['STOP', 2])
  })

  test('is the mock\'s answer, too', async (t) => {
    const { text } = await ask(t, 'mock/m', '')
    assert.match(textOf(JSON.parse(text) as Chunk[]), /mock response/)
  })

  test('ends with the error when it breaks, and is an array still', async (t) => {
    for (const [model, said] of [['gemini-2.5-flash', event(first)], ['up/m', contentEvent('Grüße, ')]] as const) {
      upstream.script = async (exchange) => {
        exchange.openStream()
        await exchange.write(said)
        exchange.halfClose()
      }
      const { status, text } = await ask(t, model, '')
      const chunks = JSON.parse(text) as Chunk[]
      assert.equal(status, 200)
      assert.equal(textOf(chunks), 'Grüße, ')
      assert.deepEqual([chunks.length, chunks[1]?.error?.code, chunks[1]?.error?.status], [2, 502, 'UNAVAILABLE'])
    }
  })

  test('is refused with an error in an array, as by Google', async (t) => {
    upstream.script = (exchange) => { exchange.answer(400, JSON.stringify({ error: { code: 400, message: 'no such thing', status: 'INVALID_ARGUMENT' } })) }
    const { status, text } = await ask(t, 'gemini-2.5-flash', '')
    const [refusal, ...rest] = JSON.parse(text) as Chunk[]
    assert.deepEqual([status, rest.length, refusal?.error?.code, refusal?.error?.status], [400, 0, 400, 'INVALID_ARGUMENT'])
    assert.match(refusal?.error?.message ?? '', /no such thing/)
  })
})
