import assert from 'node:assert/strict'
import { after, beforeEach, describe, test } from 'node:test'
import { startTestGateway } from '../helpers/gateway.ts'
import { sdk, sendEvents, startCaptureUpstream } from './capture-upstream.ts'

/** Log probabilities in the streams of providers that tell them, for OpenAI's SDK. Events as the vendors' own SDKs type them. */
const upstream = await startCaptureUpstream({ after })
const vendor = { keys: [{ value: 'sk-a' }], network_config: { base_url: upstream.url } }
const gateway = await startTestGateway({ after }, {
  providers: {
    cohere: vendor,
    deepseek: vendor,
    gemini: vendor,
    ollama: { keys: [{ value: '', ollama_key_config: { url: upstream.url, native: true } }] }
  }
})
const openai = sdk(gateway.url)

interface Told { token: string, logprob: number, top: string[] }
type Logprobs = { content: { token: string, logprob: number, top_logprobs: { token: string }[] }[] | null } | null | undefined

const told = (logprobs: Logprobs): Told[] => (logprobs?.content ?? []).map(({ token, logprob, top_logprobs: top }) => ({ token, logprob, top: top.map((other) => other.token) }))

const geminiEvents = [
  { candidates: [{ index: 0, content: { role: 'model', parts: [{ text: 'Hel' }] }, logprobsResult: { chosenCandidates: [{ token: 'Hel', tokenId: 1, logProbability: -0.5 }], topCandidates: [{ candidates: [{ token: 'Hel', logProbability: -0.5 }, { token: 'Hi', logProbability: -1.5 }] }] } }] },
  { candidates: [{ index: 0, content: { role: 'model', parts: [{ text: 'lo' }] }, finishReason: 'STOP', logprobsResult: { chosenCandidates: [{ token: 'lo', tokenId: 2, logProbability: -0.25 }] } }], usageMetadata: { promptTokenCount: 3, candidatesTokenCount: 2, totalTokenCount: 5 } }
]
const cohereEvents = [
  { type: 'message-start', id: 'c1', delta: { message: { role: 'assistant', content: [] } } },
  { type: 'content-start', index: 0, delta: { message: { content: { type: 'text', text: '' } } } },
  { type: 'content-delta', index: 0, delta: { message: { content: { text: 'Hel' } } }, logprobs: { text: 'Hel', token_ids: [1], logprobs: [-0.5] } },
  { type: 'content-delta', index: 0, delta: { message: { content: { text: 'lo' } } }, logprobs: { text: 'lo', token_ids: [2], logprobs: [-0.25] } },
  { type: 'content-end', index: 0 },
  { type: 'message-end', delta: { finish_reason: 'COMPLETE', usage: { tokens: { input_tokens: 3, output_tokens: 2 } } } }
]
const ollamaLines = [
  { model: 'm', created_at: 'x', message: { role: 'assistant', content: 'Hel' }, logprobs: [{ token: 'Hel', logprob: -0.5, top_logprobs: [{ token: 'Hel', logprob: -0.5 }, { token: 'Hi', logprob: -1.5 }] }], done: false },
  { model: 'm', created_at: 'x', message: { role: 'assistant', content: 'lo' }, logprobs: [{ token: 'lo', logprob: -0.25, top_logprobs: [] }], done: false },
  { model: 'm', created_at: 'x', message: { role: 'assistant', content: '' }, done: true, done_reason: 'stop', prompt_eval_count: 3, eval_count: 2 }
]

const expected = (top: string[]): Told[] => [{ token: 'Hel', logprob: -0.5, top }, { token: 'lo', logprob: -0.25, top: [] }]
const rows: [model: string, send: (response: Parameters<typeof sendEvents>[0]) => void, asked: (body: Record<string, unknown>) => unknown, wanted: unknown, tops: string[]][] = [
  ['gemini/gemini-x', (response) => { sendEvents(response, geminiEvents, false) }, ({ generationConfig }) => generationConfig, { responseLogprobs: true, logprobs: 2 }, ['Hel', 'Hi']],
  ['cohere/command-x', (response) => { sendEvents(response, cohereEvents, false) }, ({ logprobs }) => logprobs, true, []],
  ['ollama/m', (response) => {
    response.writeHead(200, { 'content-type': 'application/x-ndjson' })
    response.end(ollamaLines.map((line) => `${JSON.stringify(line)}\n`).join(''))
  }, ({ logprobs, top_logprobs: top }) => [logprobs, top], [true, 2], ['Hel', 'Hi']]
]

describe('log probabilities of a stream', () => {
  beforeEach(() => { upstream.requests.length = 0 })

  for (const [model, send, asked, wanted, tops] of rows) {
    test(`${model}: chat completions`, async () => {
      upstream.answer = send
      const found: Told[] = []
      let text = ''
      const stream = await openai.chat.completions.create({ model, messages: [{ role: 'user', content: 'Hi' }], logprobs: true, top_logprobs: 2, stream: true })
      for await (const { choices } of stream) {
        text += choices[0]?.delta.content ?? ''
        found.push(...told(choices[0]?.logprobs))
      }
      assert.equal(text, 'Hello')
      assert.deepEqual(found, expected(tops))
      assert.deepEqual(asked(JSON.parse(upstream.requests[0]?.body ?? '') as Record<string, unknown>), wanted)
    })

    test(`${model}: Responses`, async () => {
      upstream.answer = send
      const found: Told[] = []
      const stream = openai.responses.stream({ model, input: 'Hi', include: ['message.output_text.logprobs'], top_logprobs: 2 })
      for await (const event of stream) {
        if (event.type === 'response.output_text.delta') found.push(...told({ content: event.logprobs as never }))
      }
      const [item] = (await stream.finalResponse()).output
      const part = item?.type === 'message' ? item.content[0] : undefined
      assert.deepEqual(found, expected(tops))
      assert.deepEqual(told({ content: (part?.type === 'output_text' ? part.logprobs : undefined) ?? null } as Logprobs), expected(tops))
    })
  }

  test('a chat that stands in for a provider\'s Responses tells them, too', async () => {
    const chunk = (delta: object, logprobs: object | null, finish: string | null = null): object => ({ id: 'c1', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [{ index: 0, delta, logprobs, finish_reason: finish }] })
    upstream.answer = (response) => {
      sendEvents(response, [
        chunk({ role: 'assistant', content: '' }, null), chunk({ content: 'Hel' }, { content: [{ token: 'Hel', logprob: -0.5, bytes: null, top_logprobs: [] }], refusal: null }),
        chunk({ content: 'lo' }, { content: [{ token: 'lo', logprob: -0.25, bytes: null, top_logprobs: [] }], refusal: null }), chunk({}, null, 'stop')
      ])
    }
    const found: Told[] = []
    for await (const event of openai.responses.stream({ model: 'deepseek/m', input: 'Hi', top_logprobs: 1 })) {
      if (event.type === 'response.output_text.delta') found.push(...told({ content: event.logprobs as never }))
    }
    assert.deepEqual(found, expected([]))
  })
})
