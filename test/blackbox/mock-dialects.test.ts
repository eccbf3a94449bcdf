import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { startTestGateway } from '../helpers/gateway.ts'

const gateway = await startTestGateway({ after }, { providers: { mock: { mock: { text: 'Hello there', tokens: 2 } } } })

async function ask (path: string, body: object): Promise<{ status: number, text: string }> {
  const answer = await fetch(`${gateway.url}${path}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body), signal: AbortSignal.timeout(10_000) })
  return { status: answer.status, text: await answer.text() }
}

const user = { role: 'user', content: 'Hi' }
const parts = { role: 'user', parts: [{ text: 'Hi' }] }
const blocks = { role: 'user', content: [{ text: 'Hi' }] }

/** Each dialect's chat, its stream, and its embeddings where it has them; what stands in the answer by the vendor's own shape. */
const asked: [path: string, body: object, said: RegExp][] = [
  ['/v1/messages', { model: 'mock/m', max_tokens: 9, messages: [user] }, /"type":"text","text":"Hello there"/],
  ['/v1/messages', { model: 'mock/m', max_tokens: 9, messages: [user], stream: true }, /event: message_stop/],
  ['/genai/v1beta/models/mock/m:generateContent', { contents: [parts] }, /"text":"Hello there"/],
  ['/genai/v1beta/models/mock/m:streamGenerateContent?alt=sse', { contents: [parts] }, /"finishReason":"STOP"/],
  ['/genai/v1beta/models/mock/m:batchEmbedContents', { requests: [{ model: 'models/mock/m', content: parts }] }, /"embeddings":\[\{"values":\[/],
  ['/bedrock/model/mock%2Fm/converse', { messages: [blocks] }, /"stopReason":"end_turn"/],
  ['/bedrock/model/mock%2Fm/converse-stream', { messages: [blocks] }, /messageStop/],
  ['/cohere/v2/chat', { model: 'mock/m', messages: [user] }, /"finish_reason":"COMPLETE"/],
  ['/cohere/v2/chat', { model: 'mock/m', messages: [user], stream: true }, /message-end/],
  ['/cohere/v2/embed', { model: 'mock/m', texts: ['a', 'b'], input_type: 'search_query', embedding_types: ['float'] }, /"embeddings":/],
  ['/api/chat', { model: 'mock/m', messages: [user] }, /"done":true/],
  ['/api/chat', { model: 'mock/m', messages: [user], stream: false }, /"content":"Hello there"/],
  ['/api/embed', { model: 'mock/m', input: ['a', 'b'] }, /"embeddings":\[\[/]
]

for (const [path, body, said] of asked) {
  test(`${path} ${'stream' in body ? `stream ${String(body.stream)} ` : ''}is answered by the mock`, async () => {
    const { status, text } = await ask(path, body)
    assert.equal(status, 200, text)
    assert.match(text, said)
  })
}

test('what a dialect does not allow is refused by name, and costs no thread', async () => {
  for (const [path, body] of [
    ['/v1/messages', { model: 'mock/m', max_tokens: 9, messages: [7] }],
    ['/v1/messages', { model: 'mock/m', max_tokens: 9, messages: [7], stream: true }],
    ['/cohere/v2/embed', { model: 'mock/m', texts: 5 }]
  ] as const) assert.equal((await ask(path, body)).status, 400, path)
  assert.equal(await gateway.metric('bifrost_thread_restarts_total'), 0)
})
