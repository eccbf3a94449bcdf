import assert from 'node:assert/strict'
import { after, beforeEach, test } from 'node:test'
import { BadRequestError } from 'openai'
import { startTestGateway } from '../helpers/gateway.ts'
import { sdk, sendJson, startCaptureUpstream } from './capture-upstream.ts'

/** OpenAI's SDK counts tokens, whoever does the counting. */
const upstream = await startCaptureUpstream({ after })
const vendor = { keys: [{ value: 'sk-a' }], network_config: { base_url: upstream.url } }
const bedrock = { keys: [{ value: 'token', bedrock_key_config: { region: 'us-east-1' } }], network_config: { base_url: upstream.url } }
const gateway = await startTestGateway({ after }, { providers: { anthropic: vendor, bedrock, cohere: vendor, gemini: vendor, openai: vendor } })
const openai = sdk(gateway.url)

const tools = [{ type: 'function' as const, name: 'now', description: 'The time.', parameters: { type: 'object', properties: {} }, strict: false }]

beforeEach(() => { upstream.requests.length = 0 })

test('OpenAI counts itself, and gets what the client sent', async () => {
  upstream.answer = (response) => { sendJson(response, 200, { object: 'response.input_tokens', input_tokens: 11 }) }
  const count = await openai.responses.inputTokens.count({ model: 'openai/gpt-x', input: 'Tell me a joke.', tools })
  assert.deepEqual([count.object, count.input_tokens], ['response.input_tokens', 11])
  const [request] = upstream.requests
  assert.equal(request?.path, '/v1/responses/input_tokens')
  assert.deepEqual(JSON.parse(request.body), { model: 'gpt-x', input: 'Tell me a joke.', tools })
})

test('OpenAI counts what it has stored, without an input', async () => {
  upstream.answer = (response) => { sendJson(response, 200, { object: 'response.input_tokens', input_tokens: 7 }) }
  assert.equal((await openai.responses.inputTokens.count({ model: 'openai/gpt-x', previous_response_id: 'resp_1' })).input_tokens, 7)
})

// Answers as the vendors' API references have them.
const counters: [model: string, path: string, answer: object, asked: (body: Record<string, unknown>) => unknown][] = [
  ['anthropic/claude-x', '/v1/messages/count_tokens', { input_tokens: 14 }, ({ messages }) => messages],
  ['gemini/gemini-x', '/v1beta/models/gemini-x:countTokens', { totalTokens: 14 }, ({ generateContentRequest }) => (generateContentRequest as { contents: unknown }).contents],
  ['bedrock/amazon.nova-pro-v1:0', '/model/amazon.nova-pro-v1%3A0/count-tokens', { inputTokens: 14 }, ({ input }) => (input as { converse: { messages: unknown } }).converse.messages]
]
for (const [model, path, answer, asked] of counters) {
  test(`${model} counts in its own words`, async () => {
    upstream.answer = (response) => { sendJson(response, 200, answer) }
    const count = await openai.responses.inputTokens.count({ model, instructions: 'Be terse.', input: [{ role: 'user', content: 'Tell me a joke.' }], tools })
    assert.deepEqual([count.object, count.input_tokens], ['response.input_tokens', 14])
    const [request] = upstream.requests
    assert.equal(request?.path, path)
    assert.match(JSON.stringify(asked(JSON.parse(request.body) as Record<string, unknown>)), /"role":"user".*Tell me a joke\.|Tell me a joke\..*"role":"user"/)
  })
}

test('the older path counts a chat, too', async () => {
  upstream.answer = (response) => { sendJson(response, 200, { input_tokens: 3 }) }
  const response = await fetch(`${gateway.url}/v1/count_tokens`, { method: 'POST', body: JSON.stringify({ model: 'anthropic/claude-x', messages: [{ role: 'user', content: 'Hi' }] }) })
  const { object, input_tokens: tokens } = await response.json() as Record<string, unknown>
  assert.deepEqual([object, tokens], ['response.input_tokens', 3])
})

test('what only OpenAI stores cannot be counted elsewhere, and a provider that does not count says so', async () => {
  const refusal = async (body: object): Promise<string> => {
    try {
      await openai.responses.inputTokens.count(body)
    } catch (error) {
      assert.ok(error instanceof BadRequestError, String(error))
      return error.message
    }
    throw new Error('it was counted')
  }
  assert.match(await refusal({ model: 'anthropic/claude-x', input: 'Hi', previous_response_id: 'resp_1' }), /previous_response_id/)
  assert.match(await refusal({ model: 'cohere/command-x', input: 'Hi' }), /count_tokens/)
  assert.equal(upstream.requests.length, 0)
})
