import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ChatRequest, JsonObject } from '../../src/api/chat.ts'
import { builtInProvider, nativeOllama } from '../../src/config/providers.ts'
import { ollamaChat } from '../../src/dialects/ollama/chat.ts'
import { openAiChat } from '../../src/dialects/openai/chat.ts'
import { createOllamaFamily } from '../../src/providers/ollama/provider.ts'
import { OpenAiChatDecoder } from '../../src/providers/openai/chat-decoder.ts'
import { encode } from '../dialects/client-golden.ts'
import { readExchanges } from './exchanges.ts'
import { createContext, decode, hear } from './golden.ts'
import { createSettings, emptyRequest } from './family-tests.ts'
import { noRecordings } from './recordings.ts'
import { countsOf, lastUsage } from './replay-stream.ts'

// Ollama was recorded on /v1 only: what is replayed here is its traffic in other words.
const { baseUrl, paths, operations } = nativeOllama(builtInProvider('ollama') ?? assert.fail())
const family = createOllamaFamily(createSettings('ollama', { baseUrl, paths, operations }))
const chat = family.chat('m') ?? assert.fail()
const unary = readExchanges('ollama', 'unary', /completions$/)
const streams = readExchanges('ollama', 'stream', /completions$/)
const errors = readExchanges('ollama', 'error', /completions$/)
const skip = unary.length === 0 ? noRecordings : false

/** What the way through Ollama's words changes: texts in parts are one text, an empty one beside calls is none, and results name their tool. */
function withoutWording ({ messages, stream_options: _usage, stream: _stream, ...rest }: ChatRequest): unknown {
  return {
    ...rest,
    messages: (messages as unknown as JsonObject[]).map(({ name: _name, reasoning: _reasoning, content, ...message }) => {
      const text = Array.isArray(content) ? (content as { text: string }[]).map((part) => part.text).join('\n') : content
      const calls = message['tool_calls'] as { function: { arguments: string } }[] | undefined
      return {
        ...message,
        content: text ?? '',
        ...calls === undefined ? {} : { tool_calls: calls.map((call) => ({ ...call, function: { ...call.function, arguments: JSON.parse(call.function.arguments) as unknown } })) }
      }
    }),
    ...rest.tools === undefined || rest.tools === null ? {} : { tools: rest.tools.map(({ type, function: { name, description, parameters } }) => ({ type, function: { name, description, parameters } })) }
  }
}

test('recorded requests of /v1 say the same after the way through Ollama\'s own words', { skip }, (t) => {
  for (const { name, request } of [...unary, ...streams, ...errors]) {
    const stream = request['stream'] === true
    const canonical = openAiChat.toChatRequest(request, 'm', stream)
    const { body } = chat.toChatRequest(canonical, createContext({ stream }))
    assert.deepEqual(withoutWording(ollamaChat.toChatRequest(JSON.parse(JSON.stringify(body)) as JsonObject, 'm', stream)), withoutWording(canonical), name)
  }
  t.diagnostic(`${unary.length + streams.length + errors.length} requests`)
})

test('recorded streams of /v1 say the same as lines of Ollama', { skip }, (t) => {
  for (const { name, body } of streams) {
    const recorded = hear(decode(new OpenAiChatDecoder('ollama'), 'sse', [body]).calls)
    const { calls, decoder } = decode(chat.createChatDecoder(emptyRequest), 'lines', [Buffer.from(encode(ollamaChat, decode(new OpenAiChatDecoder('ollama'), 'sse', [body]).calls))])
    assert.ok(decoder.finished && decoder.complete && decoder.error === null, name)
    const heard = hear(calls)
    const parsed = (list: typeof heard.calls): unknown => list.map((call) => ({ ...call, arguments: JSON.parse(call.arguments === '' ? '{}' : call.arguments) as unknown }))
    assert.deepEqual({ ...heard, calls: parsed(heard.calls), usage: null }, { ...recorded, calls: parsed(recorded.calls), usage: null }, name)
    assert.deepEqual(countsOf(heard.usage as unknown as Record<string, unknown>), lastUsage(body), name)
  }
  t.diagnostic(`${streams.length} streams`)
})

test('recorded errors are typed', { skip }, (t) => {
  assert.deepEqual(errors.map(({ status, contentType, body }) => {
    const error = family.toError(status, { 'content-type': contentType }, body)
    return [error.status, error.upstreamCode, error.message.slice(0, 40)]
  }), [[400, 'context_length_exceeded', 'prompt too long; exceeded max context le'], [401, null, 'Unauthorized']])
  t.diagnostic(`${errors.length} errors`)
})
