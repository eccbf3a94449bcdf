import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ChatRequest } from '../../src/api/chat.ts'
import { createGeminiFamily } from '../../src/providers/gemini/provider.ts'
import type { ChatProvider } from '../../src/providers/family.ts'
import { decodeStream } from './google-decode.ts'
import { createContext, geminiSettings, readGolden } from './google-family.ts'

const chat = createGeminiFamily(geminiSettings).chat('') as ChatProvider
/** What JSON cannot hold is no part of a body. */
const asJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

for (const [name, text] of readGolden('gemini', 'request.json')) {
  test(`the request ${name} goes to Gemini as written`, () => {
    const { model, stream, canonical, path, body, dropped } = JSON.parse(text) as { model: string, stream: boolean, canonical: ChatRequest, path: string, body: unknown, dropped: string[] }
    const context = createContext({ model, stream })
    const request = chat.toChatRequest(canonical, context)
    assert.equal(request.url.href, `https://generativelanguage.googleapis.com${path}`)
    assert.deepEqual(asJson(request.body), body)
    assert.deepEqual([...context.dropped].sort(), [...dropped].sort())
  })
}

for (const [name, text] of readGolden('gemini', 'response.json')) {
  test(`the answer ${name} comes back as written`, () => {
    const { request, provider, canonical } = JSON.parse(text) as { request: ChatRequest, provider: unknown, canonical: unknown }
    assert.deepEqual(asJson(chat.fromChatReply(provider, request, createContext())), canonical)
  })
}

const streams = readGolden('gemini', 'chunks.txt')
const expectations = new Map(readGolden('gemini', 'chunks.json'))
for (const [name, text] of streams) {
  test(`the stream ${name} is read as written, wherever it is cut`, () => {
    const { calls, finished, complete } = JSON.parse(expectations.get(name) as string) as { calls: unknown[][], finished: boolean, complete: boolean }
    const bytes = Buffer.from(text)
    for (let cut = 0; cut <= bytes.length; cut++) {
      const decoded = decodeStream(chat.createChatDecoder(null), [bytes.subarray(0, cut), bytes.subarray(cut)])
      assert.deepEqual(asJson(decoded.calls), calls, `cut at ${cut}`)
      assert.deepEqual([decoded.decoder.finished, decoded.decoder.complete], [finished, complete])
    }
  })
}

test('there are golden files of every kind', () => {
  assert.ok(streams.length >= 8 && readGolden('gemini', 'request.json').length >= 25 && readGolden('gemini', 'response.json').length >= 20)
})

const refused: [string, ChatRequest['messages'], string][] = [
  ['an answer without a call', [{ role: 'user', content: 'a' }, { role: 'tool', tool_call_id: 'x', content: '' }], 'messages[1].tool_call_id'],
  ['a call without an answer', [{ role: 'assistant', tool_calls: [{ id: 'x', type: 'function', function: { name: 'f', arguments: '' } }] }, { role: 'user', content: 'a' }], 'messages[1]'],
  ['an answer too few', [{ role: 'assistant', tool_calls: [{ id: 'x', type: 'function', function: { name: 'f', arguments: '' } }, { id: 'y', type: 'function', function: { name: 'f', arguments: '' } }] }, { role: 'tool', tool_call_id: 'y', content: '' }], 'messages'],
  ['nothing said', [{ role: 'user', content: '' }], 'messages'],
  ['an image over plain HTTP', [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'http://example.com/a.png' } }] }], 'messages[0].content[0].image_url.url'],
  ['an image of unknown type', [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'https://example.com/a' } }] }], 'messages[0].content[0].image_url.url'],
  ['a part of unknown type', [{ role: 'user', content: [{ type: 'video_url' } as never] }], 'messages[0].content[0].type']
]
for (const [what, messages, param] of refused) {
  test(`${what} is refused with the member's path`, () => {
    assert.throws(() => chat.toChatRequest({ model: 'm', messages }, createContext()), { code: 'BIFROST_INVALID_REQUEST', param })
  })
}

test('members that nobody knows go along where the client wants it, OpenAI\'s own never', () => {
  const context = createContext({ passExtraParams: true })
  const { body } = chat.toChatRequest({ model: 'm', messages: [{ role: 'user', content: 'a' }], unheard_of: 1, user: 'u' }, context)
  assert.equal(body['unheard_of'], 1)
  assert.deepEqual(context.dropped, ['user'])
})

test('an answer that is none is told apart from an error inside a 200', () => {
  const request: ChatRequest = { model: 'm', messages: [] }
  assert.throws(() => chat.fromChatReply({}, request, createContext()), { code: 'BIFROST_UPSTREAM_BAD_RESPONSE' })
  assert.throws(() => chat.fromChatReply(null, request, createContext()), { code: 'BIFROST_UPSTREAM_BAD_RESPONSE' })
  assert.throws(() => chat.fromChatReply({ error: { code: 429, message: 'slow', status: 'RESOURCE_EXHAUSTED' } }, request, createContext()), { code: 'BIFROST_UPSTREAM_STATUS', status: 429 })
})
