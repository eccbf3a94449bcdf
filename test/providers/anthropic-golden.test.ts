import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { ChatRequest } from '../../src/api/chat.ts'
import type { TranslationContext } from '../../src/providers/family.ts'
import { AnthropicChatDecoder } from '../../src/providers/anthropic/chat-decoder.ts'
import { fromMessage } from '../../src/providers/anthropic/chat-reply.ts'
import { createAnthropicFamily } from '../../src/providers/anthropic/provider.ts'
import { createContext, createSettings, decode } from './anthropic-harness.ts'
import type { SinkCall } from './anthropic-harness.ts'

// The runner starts in the root of the repository.
const folder = join(process.cwd(), 'test/fixtures/anthropic')
const read = (file: string): unknown => JSON.parse(readFileSync(join(folder, file), 'utf8'))
const files = (end: string): string[] => readdirSync(folder).filter((file) => file.endsWith(end)).sort()

interface RequestFixture { context?: Partial<TranslationContext>, request: ChatRequest, body: unknown, dropped?: string[] }
interface ResponseFixture { body: unknown, reply: unknown }
interface ChunksFixture { calls: SinkCall[], finished?: boolean, complete?: boolean }

for (const file of files('.request.json')) {
  test(`request ${file}`, () => {
    const { context: more, request, body, dropped = [] } = read(file) as RequestFixture
    const context = createContext(more)
    const made = createAnthropicFamily(createSettings()).chat(context.model)?.toChatRequest(request, context)
    assert.deepEqual(JSON.parse(JSON.stringify(made?.body)), body)
    assert.deepEqual(context.dropped, dropped)
    assert.equal(made?.url.href, 'https://api.anthropic.com/v1/messages')
  })
}

for (const file of files('.response.json')) {
  test(`response ${file}`, () => {
    const { body, reply } = read(file) as ResponseFixture
    assert.deepEqual(JSON.parse(JSON.stringify(fromMessage('anthropic', body))), reply)
  })
}

for (const file of files('.chunks.txt')) {
  test(`stream ${file} says the same however its bytes are cut`, () => {
    const bytes = readFileSync(join(folder, file))
    const { calls, finished = true, complete = true } = read(file.replace('.txt', '.json')) as ChunksFixture
    for (let cut = 0; cut < bytes.length; cut++) {
      const decoder = new AnthropicChatDecoder('anthropic')
      const { calls: made } = decode(decoder, bytes.subarray(0, cut), bytes.subarray(cut))
      assert.deepEqual(made, calls, `cut at ${cut}`)
      assert.deepEqual([decoder.error, decoder.finished, decoder.complete], [null, finished, complete])
    }
  })
}
