import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { JsonObject } from '../../src/api/chat.ts'
import { builtInProvider, nativeOllama } from '../../src/config/providers.ts'
import { ollamaChat } from '../../src/dialects/ollama/chat.ts'
import { GatewayError } from '../../src/errors.ts'
import { createOllamaFamily } from '../../src/providers/ollama/provider.ts'
import type { OllamaMessage } from '../../src/providers/ollama/wire.ts'
import { canonicalRequest } from './canonical-arbitrary.ts'
import { createContext } from './golden.ts'
import { createSettings } from './family-tests.ts'

const { baseUrl, paths, operations } = nativeOllama(builtInProvider('ollama') ?? assert.fail())
const chat = createOllamaFamily(createSettings('ollama', { baseUrl, paths, operations })).chat('m') ?? assert.fail()

/** ChatRequest, Message and Options as Ollama's own client has them. */
const members = new Set(['model', 'messages', 'stream', 'format', 'keep_alive', 'tools', 'think', 'logprobs', 'top_logprobs', 'options'])
const messageMembers = new Set(['role', 'content', 'thinking', 'images', 'tool_calls', 'tool_name', 'tool_call_id'])
const options = new Set(['seed', 'num_predict', 'top_k', 'top_p', 'temperature', 'presence_penalty', 'frequency_penalty', 'stop'])
const thoughts = new Set<unknown>([true, false, 'low', 'medium', 'high'])

test('a thousand requests become bodies that the API takes and the client dialect reads back, or say which member cannot be asked', (t) => {
  let refused = 0
  fc.assert(fc.property(canonicalRequest, (request) => {
    let body: JsonObject
    try {
      body = JSON.parse(JSON.stringify(chat.toChatRequest(request, createContext({ stream: request.stream === true })).body)) as JsonObject
    } catch (error) {
      assert.ok(error instanceof GatewayError && error.code === 'BIFROST_INVALID_REQUEST' && error.param !== null, String(error))
      refused++
      return
    }
    assert.deepEqual(Object.keys(body).filter((name) => !members.has(name)), [])
    assert.deepEqual(Object.keys(body['options'] ?? {}).filter((name) => !options.has(name)), [])
    assert.ok(body['think'] === undefined || thoughts.has(body['think']))
    for (const message of body['messages'] as OllamaMessage[]) {
      assert.deepEqual(Object.keys(message).filter((name) => !messageMembers.has(name)), [])
      assert.equal(typeof message.content, 'string')
      assert.ok((message.images ?? []).every((image) => !image.startsWith('data:')))
      assert.ok((message.tool_calls ?? []).every((call) => typeof call.function.arguments === 'object'))
      if (message.role === 'tool') assert.ok(message.tool_name !== undefined)
    }
    // Read back by the dialect of Ollama's clients and said again, it is the same.
    const again = chat.toChatRequest(ollamaChat.toChatRequest(body, 'm', body['stream'] as boolean), createContext({ stream: body['stream'] as boolean, passExtraParams: true })).body
    assert.deepEqual(JSON.parse(JSON.stringify(again)), body)
  }), { numRuns: 1000, seed: 20261125 })
  assert.ok(refused < 700)
  t.diagnostic(`${refused} of 1000 refused`)
})
