import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createParser } from 'eventsource-parser'
import fc from 'fast-check'
import type { Client, GatewayRequest } from '../src/api/client.ts'
import type { Operation } from '../src/api/operations.ts'
import { parseRequest } from '../src/api/parse-request.ts'
import type { StreamRecoverySettings } from '../src/api/settings.ts'
import { GatewayError } from '../src/errors.ts'
import { outcomeTable } from '../src/router/outcomes.ts'
import type { Outcome } from '../src/router/outcomes.ts'
import type { Failure } from '../src/router/plan.ts'
import type { Target } from '../src/router/target.ts'
import { createRecovery } from '../src/stream-recovery.ts'
import type { Continuation, RecoverableStream } from '../src/stream-recovery.ts'
import { createProvider } from './router/settings.ts'
import { openAiRoute } from './helpers/routes.ts'

function requestOf (operation: Operation, more: object = {}): GatewayRequest {
  const body = Buffer.from(JSON.stringify({ model: 'one/m', stream: true, messages: [], prompt: '', input: '', ...more }))
  return { id: 'r', dialect: 'openai', defaultProvider: null, method: 'POST', resource: '', passthroughTo: null, jsonArray: false, operation, headers: [], body, parsed: parseRequest(openAiRoute(operation), body), receivedAtMs: 0 }
}

function targetOf (name: string, streamRecovery: Partial<StreamRecoverySettings> = {}): Target {
  const provider = createProvider(name, { streamRecovery: { enabled: true, prefill: false, textBytesMax: 1_000_000, ...streamRecovery } })
  return { provider, key: provider.keys[0] as Target['key'], keyIndex: 0, requestedModel: 'm', model: 'm', fallback: null }
}

const broken: Failure = { error: new GatewayError('BIFROST_UPSTREAM_TRUNCATED', { provider: 'one' }), target: null, headers: '' }

/** A stream with one attempt after the other, and all that they and the client notice. */
class Drill {
  readonly stream: RecoverableStream
  readonly written: Buffer[] = []
  heads = 0
  credited = 0
  rejection: GatewayError | null = null

  constructor ({ first = targetOf('one'), request = requestOf('chat_completion') }: { first?: Target, request?: GatewayRequest } = {}) {
    const client: Client = {
      answer: () => {}, openStream: () => { this.heads++ }, write: (bytes) => { this.written.push(Buffer.from(bytes)) }, closeStream: () => {}, fail: () => {}
    }
    this.stream = createRecovery(request, first.provider, client) as RecoverableStream
    this.open()
  }

  open (): void {
    this.stream.openStream({ headers: '', extraFields: '', modelJson: Buffer.from('""'), chunkFields: '' }, 200, '', 0)
  }

  breaks (outcome: Outcome = 'broken_stream', target = targetOf('one'), failure = broken): boolean {
    return this.stream.mayContinue(target, failure, outcome)
  }

  /** @returns what the attempt is given to continue */
  goOn (target = targetOf('two')): string | null {
    const attempt: Continuation = { target, credit: (bytes) => { this.credited += bytes }, reject: (error) => { this.rejection = error } }
    const prefill = this.stream.continueOn(attempt)
    this.open()
    return prefill
  }

  /** Chunks until one of them is refused. */
  say (chunks: readonly string[]): void {
    for (const chunk of chunks) if (this.rejection === null) this.stream.write(Buffer.from(chunk))
  }

  /** What a client makes of the stream. */
  get seen (): { text: string, roles: number, finishes: number, ends: number, toolCalls: number } {
    const seen = { text: '', roles: 0, finishes: 0, ends: 0, toolCalls: 0 }
    const parser = createParser({
      onEvent: ({ data }) => {
        if (data === '[DONE]') return seen.ends++
        const { choices } = JSON.parse(data) as { choices: { delta?: { content?: string, role?: string, tool_calls?: unknown[] }, text?: string, finish_reason?: string | null }[] }
        for (const { delta, text, finish_reason: finish } of choices) {
          seen.text += delta?.content ?? text ?? ''
          if (delta?.role !== undefined) seen.roles++
          if (typeof finish === 'string') seen.finishes++
          if (delta?.tool_calls !== undefined) seen.toolCalls++
        }
      }
    })
    // The parser would wait whether a line feed follows the last CR.
    parser.feed(Buffer.concat(this.written).toString('utf8').replaceAll(/\r\n?/g, '\n'))
    return seen
  }
}

const eventOf = (delta: object, more: object = {}): string => `data: ${JSON.stringify({ id: 'c', choices: [{ index: 0, delta, finish_reason: null, ...more }] })}\n\n`
const textEvent = (content: string): string => eventOf({ content })
const roleEvent = eventOf({ role: 'assistant', content: '' })
const finishEvent = eventOf({}, { finish_reason: 'stop' })
const usageEvent = 'data: {"id":"c","choices":[],"usage":{"total_tokens":9}}\n\n'
const doneEvent = 'data: [DONE]\n\n'

/** How a provider says a text: where it cuts it, how it spells it, how it groups events into chunks. */
interface Manner {
  cuts: number[]
  escaped: boolean
  /** The role in an event of its own, with the text of every event, or never. */
  role: 'first' | 'every' | 'none'
  finish: 'own' | 'last'
  chunkEvents: number
  lineEnd: string
  comments: boolean
}

const manners: fc.Arbitrary<Manner> = fc.record({
  cuts: fc.array(fc.nat(60), { maxLength: 12 }),
  escaped: fc.boolean(),
  role: fc.constantFrom('first', 'every', 'none'),
  finish: fc.constantFrom('own', 'last'),
  chunkEvents: fc.integer({ min: 1, max: 5 }),
  lineEnd: fc.constantFrom('\n', '\r\n', '\r'),
  comments: fc.boolean()
})

/** @returns chunks of whole events; cuts are anywhere, also between the halves of a surrogate pair */
function speak (text: string, manner: Manner, isWhole: boolean): string[] {
  const at = [...new Set([0, ...manner.cuts.filter((cut) => cut < text.length), text.length])].sort((one, other) => one - other)
  const pieces = at.slice(1).map((end, index) => text.slice(at[index], end))
  const bodies = pieces.map((content, index) => ({ id: 'c', choices: [{ index: 0, delta: manner.role === 'every' ? { role: 'assistant', content } : { content }, finish_reason: isWhole && manner.finish === 'last' && index === pieces.length - 1 ? 'stop' : null }] }))
  const datas = bodies.map((body) => JSON.stringify(body))
  if (manner.role === 'first') datas.unshift(JSON.stringify({ choices: [{ index: 0, delta: { role: 'assistant', content: '' } }] }))
  if (isWhole && (manner.finish === 'own' || pieces.length === 0)) datas.push(JSON.stringify({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }))
  if (isWhole) datas.push('{"choices":[],"usage":{"total_tokens":9}}', '[DONE]')
  const events = datas.map((data) => {
    const spelled = manner.escaped ? data.replaceAll(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`) : data
    return `${manner.comments ? `: ping${manner.lineEnd}${manner.lineEnd}` : ''}data: ${spelled}${manner.lineEnd}${manner.lineEnd}`
  })
  const chunks: string[] = []
  for (let index = 0; index < events.length; index += manner.chunkEvents) chunks.push(events.slice(index, index + manner.chunkEvents).join(''))
  return chunks
}

const texts = fc.string({ unit: fc.constantFrom('a', 'b', ' ', '"', '\\', '\n', 'ü', '\u2028', '語', '😀', '👩‍💻', '\u0000'), minLength: 1, maxLength: 30 })

test('what was sent and what follows after the switch is the whole text, once, for every cut of both streams and every place of the break', () => {
  fc.assert(fc.property(texts, fc.nat(1_000), manners, manners, (text, place, firstManner, secondManner) => {
    const drill = new Drill()
    const sent = text.slice(0, place % (text.length + 1))
    drill.say(speak(sent, firstManner, false))
    const firstBytes = Buffer.concat(drill.written).length
    assert.ok(drill.breaks())
    assert.equal(drill.goOn(), null)
    const chunks = speak(text, secondManner, true)
    drill.say(chunks)
    assert.equal(drill.rejection, null)
    const { seen } = drill
    assert.deepEqual([seen.text, seen.finishes, seen.ends], [text, 1, 1])
    assert.equal(drill.heads, 1)
    // Every byte of the attempt is either written to the client or credited at once.
    const secondBytes = Buffer.concat(drill.written).length - firstBytes
    assert.equal(drill.credited + secondBytes, Buffer.byteLength(chunks.join('')))
  }), { numRuns: 3_000 })
})

test('an attempt that was given the text goes on with it, for every place of the break', () => {
  fc.assert(fc.property(texts, fc.nat(1_000), manners, manners, (text, place, firstManner, secondManner) => {
    const drill = new Drill()
    const characters = [...text]
    const sent = characters.slice(0, 1 + place % characters.length).join('')
    drill.say(speak(sent, firstManner, false))
    assert.ok(drill.breaks())
    assert.equal(drill.goOn(targetOf('two', { prefill: true })), sent)
    drill.say(speak(text.slice(sent.length), { ...secondManner, role: secondManner.role === 'every' ? 'first' : secondManner.role }, true))
    const { seen } = drill
    assert.deepEqual([seen.text, seen.finishes, seen.ends], [text, 1, 1])
    assert.ok(seen.roles <= (firstManner.role === 'none' ? 0 : firstManner.role === 'first' ? 1 : 12), 'the role is not said again')
  }), { numRuns: 1_000 })
})

test('an answer that differs is refused at the very byte, and nothing of it reaches the client', () => {
  fc.assert(fc.property(texts, fc.nat(1_000), fc.constantFrom('x', 'é', '文', '😁'), manners, manners, (text, place, other, firstManner, secondManner) => {
    const drill = new Drill()
    const characters = [...text]
    const differsAt = place % characters.length
    const before = characters.slice(0, differsAt).join('')
    drill.say(speak(text, firstManner, false))
    const { length } = drill.written
    assert.ok(drill.breaks())
    drill.goOn()
    drill.say(speak(before + other + characters.slice(differsAt + 1).join(''), secondManner, true))
    assert.equal(drill.rejection?.code, 'BIFROST_STREAM_DIVERGED')
    assert.match(String(drill.rejection?.message), new RegExp(`^two was .* from byte ${Buffer.byteLength(before)} on\\.$`))
    assert.equal(drill.written.length, length)
  }), { numRuns: 1_000 })
})

test('an answer that ends, or goes over to something else, before it has said all that the client has is refused', () => {
  const tool = eventOf({ tool_calls: [{ index: 0, id: 't' }] })
  for (const chunks of [[textEvent('on'), finishEvent], [textEvent('on'), doneEvent], [textEvent('on') + tool], [eventOf({ content: 'on' }, { finish_reason: 'length' })], [textEvent('on'), 'data: {"cho\n\n'], [eventOf({ reasoning: 'Hm' })]]) {
    const drill = new Drill()
    drill.say([roleEvent + textEvent('one')])
    assert.ok(drill.breaks())
    drill.goOn()
    drill.say(chunks)
    assert.equal(drill.rejection?.code, 'BIFROST_STREAM_DIVERGED', chunks.join(''))
    assert.equal(drill.seen.text, 'one')
  }
})

test('after it has caught up an answer may go on with anything: a tool call is relayed', () => {
  const drill = new Drill()
  drill.say([roleEvent + textEvent('one')])
  assert.ok(drill.breaks())
  drill.goOn()
  drill.say([roleEvent, textEvent('one'), eventOf({ role: 'assistant', content: null, tool_calls: [{ index: 0, id: 't' }] }), finishEvent + usageEvent + doneEvent])
  assert.deepEqual(drill.seen, { text: 'one', roles: 1, finishes: 1, ends: 1, toolCalls: 1 })
})

test('text completions are continued as chats are, but never from a given text', () => {
  const drill = new Drill({ request: requestOf('text_completion') })
  const event = (text: string): string => `data: {"choices":[{"index":0,"text":${JSON.stringify(text)},"finish_reason":null}]}\n\n`
  drill.say([event('on'), event('e t')])
  assert.ok(drill.breaks())
  assert.equal(drill.goOn(targetOf('two', { prefill: true })), null)
  drill.say([event('one '), event('two'), doneEvent])
  assert.deepEqual([drill.seen.text, drill.seen.ends], ['one two', 1])
})

test('a stream can break three times over, each time at another place', () => {
  const drill = new Drill()
  const chunks = [...'abcdefgh'].map(textEvent)
  drill.say(chunks.slice(0, 1))
  for (const end of [3, 5, 7]) {
    assert.ok(drill.breaks())
    drill.goOn()
    drill.say(chunks.slice(0, end))
    assert.equal(drill.seen.text, 'abcdefgh'.slice(0, end))
  }
  assert.ok(!drill.breaks(), 'three attempts are all')
})

test('attempts that fail before they say anything new count as well, and the client is told how its stream broke', () => {
  const drill = new Drill()
  drill.say([textEvent('ab')])
  assert.ok(drill.breaks())
  const refused: Failure = { ...broken, error: new GatewayError('BIFROST_UPSTREAM_STATUS', { status: 400 }) }
  for (const allowed of [true, true, false]) {
    drill.goOn()
    drill.say([roleEvent, textEvent('a')])
    assert.equal(drill.breaks('request_fault', targetOf('two', { enabled: false }), refused), allowed)
  }
  assert.equal(drill.stream.toFailure(refused), broken)
  assert.equal(drill.seen.text, 'ab')
  const internal: Failure = { ...broken, error: new GatewayError('BIFROST_INTERNAL') }
  assert.equal(drill.stream.toFailure(internal), internal)
})

test('a stream that broke again after it had gone on ends with the later error', () => {
  const drill = new Drill()
  drill.say([textEvent('a')])
  assert.ok(drill.breaks())
  drill.goOn()
  drill.say([textEvent('ab')])
  const later: Failure = { ...broken, error: new GatewayError('BIFROST_STREAM_IDLE_TIMEOUT', { provider: 'two' }) }
  assert.ok(!drill.breaks('silent', targetOf('two', { enabled: false }), later), 'the provider that broke it this time has no recovery')
  assert.equal(drill.stream.toFailure(broken), later)
})

const lost: Record<string, string> = {
  'a finish': finishEvent,
  'an end mark': doneEvent,
  'a tool call': eventOf({ tool_calls: [{ index: 0 }] }),
  'a refusal': eventOf({ refusal: 'No' }),
  audio: eventOf({ audio: { id: 'a' } }),
  reasoning: eventOf({ reasoning_content: 'Hm' }),
  'log probabilities': eventOf({ content: 'a' }, { logprobs: { content: [{}] } }),
  'a second choice': eventOf({ content: 'a' }, { index: 1 }),
  'what cannot be read': 'data: {"cho\n\n'
}
for (const [name, event] of Object.entries(lost)) {
  test(`a stream is not continued after ${name}, whatever follows`, () => {
    const drill = new Drill()
    drill.say([textEvent('a'), event + textEvent('b'), textEvent('c')])
    assert.ok(!drill.breaks())
    assert.equal(Buffer.concat(drill.written).toString(), textEvent('a') + event + textEvent('b') + textEvent('c'), 'it is relayed byte for byte all the same')
  })
}

test('a text is kept up to its limit in bytes', () => {
  for (const [text, kept] of [['üüüüü', true], ['üüüüüa', false]] as const) {
    const drill = new Drill({ first: targetOf('one', { textBytesMax: 10 }) })
    drill.say(speak(text, { cuts: [2, 4], escaped: false, role: 'first', finish: 'own', chunkEvents: 1, lineEnd: '\n', comments: false }, false))
    assert.equal(drill.breaks(), kept, text)
  }
})

test('a request for several choices is not continued, one that says 1 or null is', () => {
  for (const [more, allowed] of [[{}, true], [{ n: 1 }, true], [{ n: null }, true], [{ n: 2 }, false]] as const) {
    const drill = new Drill({ request: requestOf('chat_completion', more) })
    drill.say([textEvent('a')])
    assert.equal(drill.breaks(), allowed, JSON.stringify(more))
  }
})

test('a stream is continued after outcomes that count for the breaker, and no others', () => {
  const continued = (Object.keys(outcomeTable) as Outcome[]).filter((outcome) => {
    const drill = new Drill()
    drill.say([textEvent('a')])
    return drill.breaks(outcome)
  })
  assert.deepEqual(continued, ['transient', 'silent', 'broken_stream'])
})

test('the broken provider must have recovery on; what was half a character is not given to the next one', () => {
  assert.equal(createRecovery(requestOf('responses'), targetOf('one').provider, {} as Client), null)
  assert.equal(createRecovery(requestOf('chat_completion'), targetOf('one', { enabled: false }).provider, {} as Client), null)
  const drill = new Drill()
  drill.say([textEvent('\ud83d')])
  assert.ok(drill.breaks())
  assert.equal(drill.goOn(targetOf('two', { prefill: true })), null)
  drill.say([textEvent('😀')])
  assert.equal(drill.seen.text, '😀')
})

test('what the client takes late of a broken attempt is no credit for the next one', () => {
  const drill = new Drill()
  drill.say([textEvent('a'), textEvent('b')])
  const size = Buffer.byteLength(textEvent('a'))
  assert.equal(drill.stream.toCredit(size), size)
  assert.ok(drill.breaks())
  drill.goOn()
  drill.say([textEvent('a') + textEvent('b'), textEvent('c')])
  assert.equal(drill.credited, 2 * size)
  assert.equal(drill.stream.toCredit(size + 10), 10, 'b is still of the first attempt')
  assert.equal(drill.stream.toCredit(size - 10), size - 10)
})
