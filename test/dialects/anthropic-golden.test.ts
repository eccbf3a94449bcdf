import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { ChatReply, JsonObject } from '../../src/api/chat.ts'
import { anthropicChat } from '../../src/dialects/anthropic/chat.ts'
import type { SinkCall } from '../providers/anthropic-harness.ts'
import { createAnswerContext, encode } from './anthropic-harness.ts'

// The runner starts in the root of the repository.
const folder = join(process.cwd(), 'test/fixtures/anthropic-dialect')
const read = (file: string): unknown => JSON.parse(readFileSync(join(folder, file), 'utf8'))
const files = (end: string): string[] => readdirSync(folder).filter((file) => file.endsWith(end)).sort()

for (const file of files('.request.json')) {
  test(`request ${file}`, () => {
    const { body, request, stream = false } = read(file) as { body: JsonObject, request: unknown, stream?: boolean }
    assert.deepEqual(JSON.parse(JSON.stringify(anthropicChat.toChatRequest(body, 'claude-x', stream))), request)
  })
}

for (const file of files('.response.json')) {
  test(`response ${file}`, () => {
    const { reply, body } = read(file) as { reply: ChatReply, body: unknown }
    assert.deepEqual(JSON.parse(JSON.stringify(anthropicChat.fromChatReply(reply, { model: 'm', messages: [] }, createAnswerContext()))), body)
  })
}

for (const file of files('.chunks.json')) {
  test(`stream ${file}`, () => {
    const calls = read(file) as (SinkCall | 'ping')[]
    assert.equal(encode(calls).toString(), readFileSync(join(folder, file.replace('.json', '.txt')), 'utf8'))
  })
}
