import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import type { AssistantMessage, ChatMessage } from '../../src/api/chat.ts'
import type { GatewayError } from '../../src/errors.ts'
import { toOutcome } from '../../src/router/outcomes.ts'
import { eventsOf, exchange } from './contract-exchange.ts'
import type { Ending } from './contract-exchange.ts'
import { answerOf, hearClient } from './contract-client.ts'
import { contractVendors, jobsOf } from './contract-vendors.ts'
import type { ContractVendor } from './contract-vendors.ts'
import type { Failures } from './contract-failures.ts'
import type { Call, Turn } from './contract-wires.ts'

const question: ChatMessage = { role: 'user', content: 'How warm is it in Bonn, and how late?' }
const weatherSchema = { type: 'object', properties: { city: { type: 'string', description: 'Name of the city.' } }, required: ['city'], additionalProperties: false }
const clockSchema = { type: 'object', properties: { zone: { type: 'string' } }, additionalProperties: false }
const tools = [
  { type: 'function', function: { name: 'weather', description: 'Weather of a city', parameters: weatherSchema } },
  { type: 'function', function: { name: 'clock', description: 'Tells the time', parameters: clockSchema } }
]
/** Names that all vendors take as they are: nine letters and digits, for Mistral. */
const weather: Call = { id: 'callBonn1', name: 'weather', arguments: { city: 'Köln' } }
const clock: Call = { id: 'callTime2', name: 'clock', arguments: {} }
const text = 'Es sind 21 °C, grüß dich.'
const thought = 'Erst schauen, dann antworten: 松.'
const png = 'iVBORw0KGgo='

type Chat = Record<string, unknown>

function ask (vendor: ContractVendor, chat: Chat, turn: Turn): { unary: Ending, stream: Ending } {
  const bodyOf = (more: object): Buffer => Buffer.from(JSON.stringify({ ...chat, ...more, model: vendor.model }))
  return {
    unary: exchange(vendor, { body: bodyOf({}) }, { pieces: [vendor.wire.toReply(turn)] }),
    stream: exchange(vendor, { stream: true, body: bodyOf({ stream: true, stream_options: { include_usage: true } }) }, { pieces: [vendor.wire.toStream(turn)] })
  }
}

/** Both ways to answer say the same, and what went up is what the vendor takes. */
function converse (vendor: ContractVendor, chat: Chat, turn: Turn): { sent: unknown, message: AssistantMessage, endings: Ending[] } {
  const { unary, stream } = ask(vendor, chat, turn)
  for (const { error, sent } of [unary, stream]) {
    assert.equal(error, null, error?.message)
    if (vendor.check !== null) vendor.check(bodyOf(sent) as Chat)
  }
  const reply = answerOf(unary.body)
  const heard = hearClient(stream.body)
  assert.deepEqual(heard.message, reply.message, 'a stream says what a whole answer says')
  assert.equal(heard.finish, reply.finish)
  assert.equal(reply.finish, turn.calls === undefined ? 'stop' : 'tool_calls')
  assert.deepEqual(stream.usage, unary.usage)
  return { sent: bodyOf(unary.sent), message: reply.message, endings: [unary, stream] }
}

function bodyOf (sent: Ending['sent']): unknown {
  assert.ok(sent !== null, 'nothing was sent')
  return JSON.parse(Buffer.from(sent.body).toString('utf8'))
}

/** Whether a value has this one somewhere in it; of an object its members are enough. */
function holds (value: unknown, wanted: unknown): boolean {
  if (isDeepStrictEqual(value, wanted)) return true
  if (typeof value !== 'object' || value === null) return false
  if (isObject(wanted) && !Array.isArray(value) && Object.entries(wanted).every(([name, member]) => isDeepStrictEqual((value as Chat)[name], member))) return true
  return Object.values(value).some((member) => holds(member, wanted))
}

function isObject (value: unknown): value is Chat {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function assertHolds (sent: unknown, wanted: unknown): void {
  assert.ok(holds(sent, wanted), `${JSON.stringify(wanted)} is not in ${JSON.stringify(sent)}`)
}

function callsOf ({ tool_calls: calls }: AssistantMessage): unknown[] {
  return (calls ?? []).map(({ type, function: called }) => [type, called.name, JSON.parse(called.arguments)])
}

function resultsOf ({ tool_calls: calls }: AssistantMessage): ChatMessage[] {
  return (calls ?? []).map(({ id }) => ({ role: 'tool', tool_call_id: id, content: '{"degrees":21}' }))
}

function assertError (error: GatewayError | null, [status, type, code, message, outcome]: Failures['inReply']['says'], vendor: ContractVendor, job: { name: string, stream?: boolean }): void {
  const where = `${job.name}, stream: ${String(job.stream)}`
  assert.ok(error !== null, `no error for ${where}`)
  assert.deepEqual([error.code, error.status, error.type, error.upstreamCode, error.message, toOutcome(error), error.provider], ['BIFROST_UPSTREAM_STATUS', status, type, code, message, outcome, vendor.settings.name], where)
}

interface Feature {
  name: string
  /** @returns why the vendor has no such thing; null when it has, and all is well */
  check (vendor: ContractVendor): string | null
}

const features: readonly Feature[] = [
  {
    name: 'text, whole and as a stream',
    check (vendor) {
      const { message } = converse(vendor, { messages: [{ role: 'system', content: 'Be brief.' }, question] }, { text })
      assert.deepEqual([message.role, message.content, message.tool_calls], ['assistant', text, undefined])
      return null
    }
  },
  {
    name: 'an answer that is cut at max_tokens',
    check (vendor) {
      const { error, body } = exchange(vendor, { body: Buffer.from(JSON.stringify({ model: vendor.model, messages: [question], max_tokens: 7 })) }, { pieces: [vendor.replies.length] })
      assert.deepEqual([error, answerOf(body).finish], [null, 'length'])
      return null
    }
  },
  {
    name: 'a call with arguments',
    check (vendor) {
      const { sent, message } = converse(vendor, { messages: [question], tools }, { calls: [weather] })
      assertHolds(sent, vendor.words.tool('weather', 'Weather of a city', weatherSchema))
      assertHolds(sent, vendor.words.tool('clock', 'Tells the time', clockSchema))
      assert.deepEqual(callsOf(message), [['function', 'weather', { city: 'Köln' }]])
      return null
    }
  },
  {
    name: 'a call without arguments',
    check (vendor) {
      const { message } = converse(vendor, { messages: [question], tools }, { calls: [clock] })
      assert.deepEqual(message.tool_calls?.map((call) => call.function), [{ name: 'clock', arguments: '{}' }])
      return null
    }
  },
  {
    name: 'two calls in one answer, and their results',
    check (vendor) {
      const { message } = converse(vendor, { messages: [question], tools }, { text: 'Ich schaue.', calls: [weather, clock] })
      assert.equal(message.content, 'Ich schaue.')
      assert.deepEqual(callsOf(message), [['function', 'weather', { city: 'Köln' }], ['function', 'clock', {}]])
      assert.equal(new Set(message.tool_calls?.map(({ id }) => id)).size, 2, 'each call has a name of its own')
      // The check of the vendor's requests wants a result for each call, in its place.
      const next = converse(vendor, { messages: [question, message, ...resultsOf(message)], tools }, { text })
      assert.equal(next.message.content, text)
      return null
    }
  },
  {
    name: 'an image as a data URL',
    check (vendor) {
      const content = [{ type: 'text', text: 'What is it?' }, { type: 'image_url', image_url: { url: `data:image/png;base64,${png}` } }]
      assertHolds(converse(vendor, { messages: [{ role: 'user', content }] }, { text }).sent, vendor.words.image('image/png', png))
      return null
    }
  },
  {
    name: 'an image by its address, or a refusal that names it where nothing is fetched',
    check (vendor) {
      const url = 'https://example.com/a.png'
      const chat = { messages: [{ role: 'user', content: [{ type: 'text', text: 'What is it?' }, { type: 'image_url', image_url: { url } }] }] }
      const { imageUrl } = vendor.words
      if (typeof imageUrl === 'function') {
        assertHolds(converse(vendor, chat, { text }).sent, imageUrl(url))
        return null
      }
      const { unary, stream } = ask(vendor, chat, { text })
      for (const { sent, error } of [unary, stream]) assert.deepEqual([sent, error?.code, error?.status, error?.param], [null, 'BIFROST_INVALID_REQUEST', 400, imageUrl.param])
      return null
    }
  },
  {
    name: 'structured output',
    check (vendor) {
      const schema = { type: 'object', properties: { degrees: { type: 'number' } }, required: ['degrees'], additionalProperties: false }
      const chat = { messages: [question], response_format: { type: 'json_schema', json_schema: { name: 'weather', schema, strict: true } } }
      const { sent, message } = converse(vendor, chat, { text: '{"degrees":21}' })
      assertHolds(sent, vendor.words.format('weather', schema))
      assert.deepEqual(JSON.parse(String(message.content)), { degrees: 21 })
      return null
    }
  },
  {
    name: 'thoughts, which go up again as they came',
    check (vendor) {
      const { thought: toWords, effort } = vendor.words
      const chat = { messages: [question], tools, reasoning_effort: 'high' }
      if (typeof toWords === 'string') {
        assertHolds(converse(vendor, chat, { calls: [weather] }).sent, effort)
        return toWords
      }
      const { sent, message } = converse(vendor, chat, { thought, calls: [weather] })
      assertHolds(sent, effort)
      assert.deepEqual([message.reasoning_content, callsOf(message)], [thought, [['function', 'weather', { city: 'Köln' }]]])
      const next = converse(vendor, { ...chat, messages: [question, message, ...resultsOf(message)] }, { thought, text })
      assertHolds(next.sent, toWords(thought, weather))
      assert.deepEqual([next.message.reasoning_content, next.message.content], [thought, text])
      return null
    }
  },
  {
    name: 'usage with its details',
    check (vendor) {
      const { endings } = converse(vendor, { messages: [question] }, { text, counts: true })
      const [cachedTokens, cacheWriteTokens, reasoningTokens, audioInputTokens, audioOutputTokens] = vendor.counts
      for (const { usage } of endings) assert.deepEqual({ ...usage }, { inputTokens: 11, outputTokens: 7, cachedTokens, cacheWriteTokens, reasoningTokens, audioInputTokens, audioOutputTokens, estimatedTokens: 0 })
      for (const { prompt_tokens: input, completion_tokens: output } of [answerOf(endings[0]?.body).usage, hearClient(endings[1]?.body).usage].map((usage) => usage ?? assert.fail('no usage'))) assert.deepEqual([input, output], [11, 7])
      return vendor.counts.every((count) => count === 0) ? 'counts no details' : null
    }
  },
  {
    name: 'error statuses',
    check (vendor) {
      for (const { status, headers = {}, body, says, pauseSeconds } of vendor.failures.statuses) {
        for (const job of [...jobsOf(vendor, false), ...jobsOf(vendor, true)]) {
          const ending = exchange(vendor, job, { status, headers, pieces: [Buffer.from(JSON.stringify(body))] })
          assertError(ending.error, says, vendor, job)
          assert.equal(/^retry-after: (\d+)$/m.exec(ending.headers)?.[1], pauseSeconds?.toString(), 'retry-after')
          assert.deepEqual([ending.hasBegun, ending.body.length], [false, 0])
        }
      }
      const classes = new Set(vendor.failures.statuses.map((failure) => failure.class))
      assert.deepEqual([...classes].sort(), ['400', '401', '403', '404', '413', '429', '500', 'overload', 'too long'])
      return null
    }
  },
  {
    name: 'error bodies that are not JSON, or nothing',
    check (vendor) {
      for (const job of [...jobsOf(vendor, false), ...jobsOf(vendor, true)]) {
        const of = (status: number, contentType: string, said: string): GatewayError => exchange(vendor, job, { status, headers: { 'content-type': contentType }, pieces: [Buffer.from(said)] }).error ?? assert.fail('no error')
        const page = of(502, 'text/html', '<html><body>Bad Gateway secret</body></html>')
        assert.deepEqual([page.code, page.status, toOutcome(page), page.message.includes('secret'), page.message.includes('502')], ['BIFROST_UPSTREAM_STATUS', 502, 'transient', false, true])
        const plain = of(503, 'text/plain', 'no healthy upstream')
        assert.deepEqual([plain.status, plain.message, toOutcome(plain)], [503, 'no healthy upstream', 'transient'])
        const empty = of(429, 'application/json', '')
        assert.deepEqual([empty.status, toOutcome(empty), empty.message.startsWith(`${vendor.settings.name} answered with status 429`)], [429, 'key_passing', true])
        // A redirect is not followed.
        assert.deepEqual([of(302, 'text/html', '').status, of(500, 'application/json', '{"error":').status, of(401, 'application/json', '[]').status], [502, 500, 401])
      }
      return null
    }
  },
  {
    name: 'a 200 that is no answer',
    check (vendor) {
      for (const job of [...jobsOf(vendor, false), ...jobsOf(vendor, true)]) {
        for (const said of ['', '<html>', '{', '"text"', '[]', 'null']) {
          const { error } = exchange(vendor, job, { headers: { 'content-type': 'application/json' }, pieces: [Buffer.from(said)] })
          assert.deepEqual([said, error?.code, error === null ? '' : toOutcome(error)], [said, 'BIFROST_UPSTREAM_BAD_RESPONSE', 'transient'], job.name)
        }
      }
      return null
    }
  },
  {
    name: 'an error inside a 200',
    check (vendor) {
      const { inReply } = vendor.failures
      for (const job of [...jobsOf(vendor, false), ...jobsOf(vendor, true)]) {
        assertError(exchange(vendor, job, { headers: { 'content-type': 'application/json' }, pieces: [inReply.bytes] }).error, inReply.says, vendor, job)
      }
      return null
    }
  },
  {
    name: 'an error event, first and after some text',
    check (vendor) {
      const { inStream } = vendor.failures
      for (const job of jobsOf(vendor, true)) {
        const events = eventsOf(vendor.framing, vendor.wire.toStream({ text }))
        const whole = exchange(vendor, job, { pieces: events })
        const finish = events.findIndex((event) => event.includes(vendor.wire.finish.text))
        for (let count = 0; count <= finish; count++) {
          const { error, body, hasBegun } = exchange(vendor, job, { pieces: [...events.slice(0, count), inStream.bytes, ...events.slice(count)] })
          assertError(error, inStream.says, vendor, job)
          // Before something was said it is still an error status.
          assert.equal(hasBegun, body.length > 0)
          assert.ok(whole.body.subarray(0, body.length).equals(body), 'what was said before stands')
        }
      }
      return null
    }
  }
]

const table = new Map<string, string[]>()
const notes: string[] = []

for (const feature of features) {
  for (const vendor of contractVendors) {
    test(`${vendor.name}: ${feature.name}`, () => {
      const cells = table.get(feature.name) ?? []
      table.set(feature.name, cells)
      cells.push('FAILS')
      const lack = feature.check(vendor)
      if (lack !== null) notes.push(`${notes.length + 1}) ${vendor.name}: ${lack}`)
      cells[cells.length - 1] = lack === null ? 'ok' : `lacks ${notes.length})`
    })
  }
}

test('every vendor has every feature, or a reason', (t) => {
  t.diagnostic(`| | ${contractVendors.map(({ name }) => name).join(' | ')} |`)
  for (const [name, cells] of table) {
    t.diagnostic(`| ${name} | ${cells.join(' | ')} |`)
    assert.equal(cells.length, contractVendors.length)
  }
  for (const note of notes) t.diagnostic(note)
  assert.equal(table.size, features.length)
})
