import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ChatReply, ChatRequest, JsonObject } from '../../src/api/chat.ts'
import type { ProviderSettings } from '../../src/api/settings.ts'
import { GatewayError } from '../../src/errors.ts'
import type { Family, TranslationContext } from '../../src/providers/family.ts'
import { createContext, cutsOf, decode, readChunks, readGolden } from './golden.ts'
import type { Call } from './golden.ts'

interface RequestGolden { request: ChatRequest, context?: Partial<TranslationContext>, body: JsonObject, dropped: string[] }
interface ReplyGolden { request?: ChatRequest, body: unknown, reply: ChatReply }
interface ChunksGolden { request?: ChatRequest, calls: Call[], finished: boolean, complete: boolean, error: [number, string] | null, last: string }

export const emptyRequest: ChatRequest = { model: 'm', messages: [] }

/** Golden files of a provider: those of the client's side (`client-...`) are another test's. */
export function testGoldenFiles (folder: string, family: Family): void {
  const ofProvider = <T>(kind: string): { name: string, value: T }[] => readGolden<T>(folder, kind).filter(({ name }) => !name.includes('/client-'))
  const chat = family.chat('m')
  assert.ok(chat !== null)

  for (const { name, value } of ofProvider<RequestGolden>('request')) {
    test(`${name}: the canonical request in the provider's words`, () => {
      const context = createContext(value.context)
      const { body } = chat.toChatRequest(value.request, context)
      assert.deepEqual(JSON.parse(JSON.stringify(body)), value.body)
      assert.deepEqual(context.dropped, value.dropped)
    })
  }

  for (const { name, value } of ofProvider<ReplyGolden>('response')) {
    test(`${name}: the provider's answer in canonical form`, () => {
      assert.deepEqual(JSON.parse(JSON.stringify(chat.fromChatReply(value.body, value.request ?? emptyRequest, createContext()))), value.reply)
    })
  }

  for (const { name, value } of ofProvider<ChunksGolden>('chunks')) {
    test(`${name}: the provider's stream in canonical form, wherever it is cut`, () => {
      const bytes = readChunks(name)
      for (const pieces of [[bytes], ...cutsOf(bytes)]) {
        const { calls, kinds, decoder } = decode(chat.createChatDecoder(value.request ?? emptyRequest), family.streamFraming('m'), pieces)
        assert.deepEqual(calls, value.calls)
        assert.equal(decoder.finished, value.finished)
        assert.equal(decoder.complete, value.complete)
        assert.deepEqual(decoder.error === null ? null : [decoder.error.status, decoder.error.message], value.error)
        assert.equal(kinds.at(-1), value.last)
      }
    })
  }
}

/** What a provider's errors become: status, `upstreamCode` and message. */
export function errorOf (family: Family, status: number, body: unknown, contentType = 'application/json'): unknown[] {
  const error = family.toError(status, { 'content-type': contentType }, Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)))
  assert.ok(error instanceof GatewayError)
  assert.equal(error.code, 'BIFROST_UPSTREAM_STATUS')
  return [error.status, error.upstreamCode, error.message]
}

/** Enough of the settings for a family. */
export function createSettings (kind: ProviderSettings['kind'], more: Partial<ProviderSettings>): ProviderSettings {
  const key = { id: 'k', name: 'k', value: 'secret', models: ['*'], blacklistedModels: [], weight: 1, enabled: true, aliases: {} }
  return { name: kind, kind, keys: [key], ...more } as ProviderSettings
}
