import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { ChatRequest } from '../../src/api/chat.ts'
import { GatewayError } from '../../src/errors.ts'
import { createBedrockFamily } from '../../src/providers/bedrock/provider.ts'
import type { ChatProvider } from '../../src/providers/family.ts'
import { createBedrockProvider, createContext, decode } from './bedrock-calls.ts'
import { toEventFrame, toFrame } from './bedrock-frames.ts'

/** The runner starts in the root of the repository. */
const folder = join(process.cwd(), 'test/fixtures/bedrock')
const family = createBedrockFamily(createBedrockProvider())
const chat = family.chat('m') as ChatProvider

interface RequestFixture { model: string, canonical: ChatRequest, body?: unknown, drops?: string[], param?: string, passExtraParams?: boolean }
interface ResponseFixture { body?: unknown, canonical?: unknown, status?: number, header?: string, error?: unknown, expected?: object }
interface StreamFixture { events: [string, unknown][], calls: unknown[], finished: boolean, complete: boolean, error: Record<string, unknown> | null }

function fixtures<Fixture> (kind: string): [string, Fixture][] {
  const found = readdirSync(folder).filter((file) => file.endsWith(`.${kind}.json`))
  assert.ok(found.length > 0)
  return found.map((file) => [file.replace('.json', ''), JSON.parse(readFileSync(join(folder, file), 'utf8')) as Fixture])
}

const asJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

for (const [name, { model, canonical, body, drops = [], param, passExtraParams = false }] of fixtures<RequestFixture>('request')) {
  test(`a canonical request in Converse's words: ${name}`, () => {
    const dropped: string[] = []
    const translate = (): unknown => asJson(chat.toChatRequest({ ...canonical, model }, createContext(dropped, { model, passExtraParams })).body)
    if (param !== undefined) return assert.throws(translate, (error) => error instanceof GatewayError && error.code === 'BIFROST_INVALID_REQUEST' && error.param === param)
    assert.deepEqual(translate(), body)
    assert.deepEqual(dropped.sort(), [...drops].sort())
  })
}

for (const [name, { body, canonical, status = 0, header = '', error, expected }] of fixtures<ResponseFixture>('response')) {
  if (canonical !== undefined) {
    test(`an answer of Converse in canonical form: ${name}`, () => {
      assert.deepEqual(asJson(chat.fromChatReply(body, { model: 'm', messages: [] }, createContext([]))), canonical)
    })
  } else {
    test(`an error of Bedrock: ${name}`, () => {
      const found = family.toError(status, { 'x-amzn-errortype': header }, Buffer.from(JSON.stringify(error)))
      const { message = '', Message = '' } = error as { message?: string, Message?: string }
      assert.deepEqual({ status: found.status, type: found.type, upstreamCode: found.upstreamCode }, expected)
      assert.equal(found.provider, 'bedrock')
      assert.equal(found.message, message || Message || 'bedrock answered with status 500: InternalFailure.')
    })
  }
}

for (const [name, { events, calls, finished, complete, error }] of fixtures<StreamFixture>('chunks')) {
  test(`a Converse stream in canonical calls, however it is cut: ${name}`, () => {
    const bytes = Buffer.concat(events.map(([type, payload]) => toEventFrame(type, payload)))
    for (let cut = 0; cut <= bytes.length; cut++) {
      const { decoder, calls: found } = decode([bytes.subarray(0, cut), bytes.subarray(cut)])
      assert.deepEqual(found, calls)
      assert.deepEqual({ finished: decoder.finished, complete: decoder.complete }, { finished, complete })
      const { status, type, upstreamCode, message } = decoder.error ?? {}
      assert.deepEqual(decoder.error === null ? null : { status, type, upstreamCode, message }, error)
    }
  })
}

test('the usage alone does not complete a stream that has not finished', () => {
  const { decoder } = decode([toEventFrame('metadata', { usage: { inputTokens: 1, outputTokens: 1 } })])
  assert.deepEqual([decoder.finished, decoder.complete], [false, false])
})

test('a frame whose checksum does not hold is an error, wherever it was hit', () => {
  const frame = toEventFrame('contentBlockDelta', { contentBlockIndex: 0, delta: { text: 'abc' } })
  for (let at = 8; at < frame.length; at++) {
    const broken = Buffer.from(frame)
    broken[at] = (broken[at] as number) ^ 1
    const { decoder, calls, kinds } = decode([broken])
    assert.deepEqual(kinds, ['error'], `byte ${at}`)
    assert.equal(decoder.error?.code, 'BIFROST_UPSTREAM_BAD_RESPONSE')
    assert.deepEqual(calls, [])
  }
})

test('odd payloads say nothing and break nothing', () => {
  const odd = ['', 'null', '5', '[]', '{', '{"delta":null}', '{"delta":5}', '{"start":null}', '{"start":{"toolUse":null}}', '{"delta":{"toolUse":null,"reasoningContent":null,"citation":null,"text":null}}', '{"delta":{"toolUse":{"input":{}}}}', '{"usage":null}', '{"usage":5}']
  for (const payload of odd) {
    for (const type of ['contentBlockStart', 'contentBlockDelta', 'contentBlockStop', 'metadata', 'unknown']) {
      assert.deepEqual(decode([toEventFrame(type, payload)]).kinds, ['hidden'], `${type} ${payload}`)
    }
  }
})

test('an error that the framing itself reports has a status, too', () => {
  const { decoder } = decode([toFrame({ ':message-type': 'error', ':error-code': 'InternalServerException', ':error-message': 'it broke' }, '')])
  assert.deepEqual([decoder.error?.status, decoder.error?.type, decoder.error?.message], [500, 'InternalServerException', 'it broke'])
})

test('an answer that is none says what it lacks, and one that is an error says so', () => {
  const codeOf = (body: unknown): unknown => {
    try {
      return chat.fromChatReply(body, { model: 'm', messages: [] }, createContext([]))
    } catch (error) {
      assert.ok(error instanceof GatewayError)
      return [error.code, error.status]
    }
  }
  for (const body of [null, 5, {}, { output: {} }, { output: { message: { content: 'text' } } }]) assert.deepEqual(codeOf(body), ['BIFROST_UPSTREAM_BAD_RESPONSE', 502])
  assert.deepEqual(codeOf({ Output: { __type: 'com.amazon.coral.service#ThrottlingException' }, Version: '1.0' }), ['BIFROST_UPSTREAM_STATUS', 429])
})

test('an error body that is no JSON keeps its text, unless it is a page', () => {
  assert.equal(family.toError(503, {}, Buffer.from('upstream gone')).message, 'upstream gone')
  assert.equal(family.toError(503, {}, Buffer.from('<html>no</html>')).message, 'bedrock answered with status 503.')
})
