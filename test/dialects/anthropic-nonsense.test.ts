import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import type { JsonObject } from '../../src/api/chat.ts'
import { anthropicChat } from '../../src/dialects/anthropic/chat.ts'
import { GatewayError } from '../../src/errors.ts'
import { AnthropicChatDecoder } from '../../src/providers/anthropic/chat-decoder.ts'
import { createAnthropicFamily } from '../../src/providers/anthropic/provider.ts'
import { createContext, createSettings, decode, replaceAt } from '../providers/anthropic-harness.ts'
import { createAnswerContext, encode } from './anthropic-harness.ts'

const fixtures = join(process.cwd(), 'test/fixtures')
const bodiesOf = (folder: string, end: string): JsonObject[] => readdirSync(join(fixtures, folder)).filter((file) => file.endsWith(end)).sort()
  .map((file) => (JSON.parse(readFileSync(join(fixtures, folder, file), 'utf8')) as { body: JsonObject }).body)
const turns = fc.array(fc.nat(50), { minLength: 1, maxLength: 7 })
const junk = fc.jsonValue({ maxDepth: 2 })
const family = createAnthropicFamily(createSettings())

function allowed (error: unknown, codes: readonly string[]): void {
  if (!(error instanceof GatewayError) || !codes.includes(error.code)) throw error
}

test('nonsense of a client of the dialect is refused or passed on', () => {
  const bodies = bodiesOf('anthropic-dialect', '.request.json')
  fc.assert(fc.property(fc.constantFrom(...bodies), turns, junk, (body, place, value) => {
    try {
      family.chat('m')?.toChatRequest(anthropicChat.toChatRequest(replaceAt(body, place, value) as JsonObject, 'claude-opus-4-6', false), createContext({ model: 'claude-opus-4-6' }))
    } catch (error) {
      allowed(error, ['BIFROST_INVALID_REQUEST'])
    }
  }), { numRuns: 3_000, seed: 20261128 })
})

test('nonsense in an answer is an answer or a bad one', () => {
  const bodies = bodiesOf('anthropic', '.response.json')
  fc.assert(fc.property(fc.constantFrom(...bodies), turns, junk, (body, place, value) => {
    try {
      const reply = family.chat('m')?.fromChatReply(replaceAt(body, place, value), { model: 'm', messages: [] }, createContext())
      if (reply !== undefined) anthropicChat.fromChatReply(reply, { model: 'm', messages: [] }, createAnswerContext())
    } catch (error) {
      allowed(error, ['BIFROST_UPSTREAM_BAD_RESPONSE', 'BIFROST_UPSTREAM_STATUS'])
    }
  }), { numRuns: 3_000, seed: 20261129 })
})

test('nonsense in a stream harms neither the decoder nor the client', () => {
  const streams = readdirSync(join(fixtures, 'anthropic')).filter((file) => file.endsWith('.chunks.txt')).sort()
    .map((file) => readFileSync(join(fixtures, 'anthropic', file), 'utf8').split('\n').filter((line) => line.startsWith('data: {"type')).flatMap((line) => {
      try {
        return [JSON.parse(line.slice(6)) as JsonObject]
      } catch {
        return []
      }
    }))
  fc.assert(fc.property(fc.constantFrom(...streams), turns, junk, (events, place, value) => {
    const changed = replaceAt(events, place, value) as unknown
    const text = (Array.isArray(changed) ? changed : [changed]).map((event) => `data: ${JSON.stringify(event)}\n\n`).join('')
    const { calls } = decode(new AnthropicChatDecoder('anthropic'), Buffer.from(text))
    assert.ok(encode(calls).length > 0)
  }), { numRuns: 3_000, seed: 20261130 })
})
