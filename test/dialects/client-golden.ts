import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ChatReply, ChatRequest, JsonObject } from '../../src/api/chat.ts'
import type { AnswerContext, ChatDialect } from '../../src/dialects/dialect.ts'
import { readChunks, readGolden } from '../providers/golden.ts'
import type { Call } from '../providers/golden.ts'
import { emptyRequest } from '../providers/family-tests.ts'

interface RequestGolden { body: JsonObject, stream?: boolean, request: ChatRequest }
interface ReplyGolden { reply: ChatReply, request?: ChatRequest, body: JsonObject }
interface ChunksGolden { request?: ChatRequest, calls: Call[] }

export const answerContext: AnswerContext = { model: 'm', nowSeconds: 1_700_000_000, newId: () => 'new-id', includeUsage: true, extraFields: '', jsonArray: false }

/** The golden files `client-...` of a dialect. */
export function testClientFiles (folder: string, dialect: ChatDialect): void {
  const ofClient = <T>(kind: string): { name: string, value: T }[] => readGolden<T>(folder, kind).filter(({ name }) => name.includes('/client-'))
  for (const { name, value } of ofClient<RequestGolden>('request')) {
    test(`${name}: the client's request in canonical form`, () => {
      assert.deepEqual(dialect.toChatRequest(value.body, 'm', value.stream ?? false), value.request)
    })
  }
  for (const { name, value } of ofClient<ReplyGolden>('response')) {
    test(`${name}: the canonical answer in the client's words`, () => {
      assert.deepEqual(JSON.parse(JSON.stringify(dialect.fromChatReply(value.reply, value.request ?? emptyRequest, answerContext))), value.body)
    })
  }
  for (const { name, value } of ofClient<ChunksGolden>('chunks')) {
    test(`${name}: what a stream said in the client's words`, () => {
      assert.equal(encode(dialect, value.calls, value.request), readChunks(name).toString())
    })
  }
}

/** @returns the stream that a client gets */
export function encode (dialect: ChatDialect, calls: readonly Call[], request = emptyRequest): string {
  const pieces: Buffer[] = []
  const encoder = dialect.createChatEncoder(request, answerContext)
  encoder.begin({ append: (bytes, start, end) => { pieces.push(Buffer.from(bytes.subarray(start, end))) }, appendAscii: (text) => { pieces.push(Buffer.from(text)) } }, 5)
  for (const call of calls) {
    if (call[0] === 'start') encoder.start(call[1], call[2])
    else if (call[0] === 'delta') encoder.delta(call[1], call[2])
    else if (call[0] === 'finish') encoder.finish(call[1], call[2] as 'stop', { native: call[3] })
    else encoder.usage(call[1])
  }
  encoder.end()
  return Buffer.concat(pieces).toString()
}
