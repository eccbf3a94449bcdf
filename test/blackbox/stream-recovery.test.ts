import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, beforeEach, describe, test } from 'node:test'
import { createLogger } from '../../src/log.ts'
import { askChat } from '../helpers/ask.ts'
import { errorBodies, faults, tokens } from '../helpers/faults.ts'
import { startFaultUpstream } from '../helpers/fault-upstream.ts'
import type { Script } from '../helpers/fault-upstream.ts'
import { chatBody, startTestGateway, upstreamProvider } from '../helpers/gateway.ts'
import { RawClient } from '../helpers/http-client.ts'
import type { ClientResponse } from '../helpers/http-client.ts'
import { contentEvent, doneEvent, finishEvent, inBandError, usageEvent } from '../helpers/sse.ts'
import { eventually, within } from '../helpers/wait.ts'
import { sdk } from '../sdk/capture-upstream.ts'

const sixty = tokens(60)
const textOf = (from: number, to: number): string => Array.from({ length: to - from }, (_, index) => `${from + index} `).join('')
const roleEvent = `data: ${JSON.stringify({ id: 'chatcmpl-2', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }] })}\n\n`
/** All 60 tokens, in other pieces than the primary's: seven characters each. */
const whole = roleEvent + (textOf(0, 60).match(/.{1,7}/g) ?? []).map(contentEvent).join('') + finishEvent() + doneEvent
const answers: Script = (exchange) => { exchange.openStream(); void exchange.write(whole); exchange.end() }
const cutAt40 = faults.cut(roleEvent + sixty.slice(0, 40).join(''), 'chunked')
const other = roleEvent + contentEvent('Something else') + finishEvent() + doneEvent

/** The text of the only choice, as a client puts it together. */
function textIn (body: string): string {
  return body.split('\n\n').filter((event) => event.startsWith('data: {')).map((event) => {
    const { choices = [] } = JSON.parse(event.slice('data: '.length)) as { choices?: { delta: { content?: string } }[] }
    return choices[0]?.delta.content ?? ''
  }).join('')
}

const count = (text: string, part: string): number => text.split(part).length - 1

describe('with stream recovery', async () => {
  const owner = { after }
  const primary = await startFaultUpstream(owner, cutAt40)
  const fallback = await startFaultUpstream(owner, answers)
  const prefilled = await startFaultUpstream(owner, answers)
  const quick = { max_retries: 1, retry_backoff_initial: 5, retry_backoff_max: 10 }
  const folder = mkdtempSync(join(tmpdir(), 'bifrost-recovery-'))
  after(() => { rmSync(folder, { recursive: true }) })
  const from = (more: object, network: object = {}): object => ({ ...upstreamProvider(primary.url, { network }), stream_recovery: { enabled: true }, circuit_breaker: { enabled: false }, fallbacks: ['fallback/m'], ...more })
  const gateway = await startTestGateway(owner, {
    providers: {
      up: from({}),
      retrying: from({ fallbacks: [] }, quick),
      idle: from({}, { stream_idle_timeout_in_seconds: 0.3 }),
      off: from({ stream_recovery: { enabled: false } }),
      small: from({ stream_recovery: { enabled: true, max_text_size_kb: 1 } }),
      given: from({ fallbacks: ['prefilled/m'] }),
      chain: from({ fallbacks: ['second/m', 'fallback/m'] }),
      lonely: from({ fallbacks: [] }),
      fallback: { ...upstreamProvider(fallback.url), circuit_breaker: { enabled: false } },
      second: { ...upstreamProvider(prefilled.url), circuit_breaker: { enabled: false } },
      prefilled: { ...upstreamProvider(prefilled.url), stream_recovery: { prefill: true }, circuit_breaker: { enabled: false } },
      mock: { mock: { thread_faults: true, tokens_per_second: 100, text: textOf(0, 60), tokens: 60 }, stream_recovery: { enabled: true }, fallbacks: ['fallback/m'], threads: 1 }
    }
  }, createLogger({ level: 'info', destination: join(folder, 'log') }))

  beforeEach(() => {
    primary.script = cutAt40
    fallback.script = prefilled.script = answers
  })

  const stream = (model: string, more: object = {}, headers: Record<string, string> = {}): Promise<ClientResponse> => askChat(gateway.port, model, { stream: true, ...more }, headers)

  function assertWhole ({ status, text }: ClientResponse): void {
    assert.equal(status, 200)
    assert.equal(textIn(text), textOf(0, 60), text)
    assert.ok(text.endsWith(doneEvent) && count(text, '[DONE]') === 1 && count(text, '"role":"assistant"') === 1 && count(text, '"finish_reason":"stop"') === 1)
    assert.ok(!text.includes('"error"'))
  }

  /** As without recovery: what the primary sent, and the error of its break. */
  function assertBroken ({ status, text }: ClientResponse, type = 'upstream_truncated', until = 40): void {
    assert.equal(status, 200)
    assert.equal(inBandError(text)?.type, type, text)
    assert.equal(textIn(text), textOf(0, until))
    assert.ok(!text.includes('[DONE]') && !text.includes('Something'))
  }

  async function trailOf (id: string): Promise<object[]> {
    const find = (): string | undefined => readFileSync(join(folder, 'log'), 'utf8').split('\n').find((line) => line.includes(`"requestId":"${id}"`) && line.endsWith('}'))
    await eventually(() => find() !== undefined, 'the request is logged')
    const { trail = [] } = JSON.parse(find() as string) as { trail?: { provider: string, outcome: string, code: string }[] }
    return trail.map(({ provider, outcome, code }) => [provider, outcome, code])
  }

  test('a stream that was cut at token 40 goes on at the fallback: 60 tokens, each once, and the trail knows', async () => {
    const before = [primary.requestCount, fallback.requestCount]
    const response = await stream('up/m', {}, { 'x-request-id': 'cut-at-40' })
    assertWhole(response)
    assert.equal(response.headers['x-bifrost-provider'], 'up', 'the head was sent before the stream broke')
    assert.match(response.text, /"provider":"fallback"/)
    assert.deepEqual([primary.requestCount, fallback.requestCount], [Number(before[0]) + 1, Number(before[1]) + 1])
    assert.deepEqual(await trailOf('cut-at-40'), [['up', 'broken_stream', 'BIFROST_UPSTREAM_TRUNCATED']])
  })

  for (const [name, script, model] of [
    ['a reset', faults.resetMidBody(roleEvent + sixty.slice(0, 40).join('')), 'up/m'],
    ['a silence', faults.stall(roleEvent + sixty.slice(0, 40).join('')), 'idle/m'],
    ['an error of the moment inside the stream', faults.stream(`${roleEvent}${sixty.slice(0, 40).join('')}data: ${errorBodies[500]}\n\n`), 'up/m']
  ] as const) {
    test(`${name} in mid-stream is recovered from`, async () => {
      primary.script = script
      assertWhole(await stream(model))
    })
  }

  test('the same target is asked again before the next one, as after any failure', async () => {
    primary.script = faults.inTurn(cutAt40, answers)
    const before = primary.requestCount
    assertWhole(await stream('retrying/m'))
    assert.equal(primary.requestCount, before + 2)
  })

  test('usage that the client asked for comes once, from the attempt that came to the end', async () => {
    fallback.script = faults.stream(sixty.join('') + finishEvent() + usageEvent(5, 60) + doneEvent)
    const { text } = await stream('up/m', { stream_options: { include_usage: true } })
    assert.equal(count(text, '"usage":{'), 1)
    assert.equal(textIn(text), textOf(0, 60))
  })

  test('a fallback that says something else is dropped: the error of the break, nothing of the other text', async () => {
    fallback.script = faults.stream(other)
    assertBroken(await stream('up/m', {}, { 'x-request-id': 'other-text' }))
    assert.deepEqual(await trailOf('other-text'), [['up', 'broken_stream', 'BIFROST_UPSTREAM_TRUNCATED'], ['fallback', 'diverged', 'BIFROST_STREAM_DIVERGED']])
  })

  test('a fallback that says something else and never ends is cancelled', async () => {
    let gone: Promise<void> = Promise.resolve()
    fallback.script = (exchange) => {
      gone = exchange.closed
      return faults.stall(roleEvent + contentEvent('Something else'))(exchange)
    }
    assertBroken(await stream('up/m'))
    await within(gone, 'the other stream is cancelled')
    await gateway.whenIdle()
  })

  test('the target after one that says something else may still go on', async () => {
    prefilled.script = faults.stream(other)
    assertWhole(await stream('chain/m', {}, { 'x-request-id': 'two-hops' }))
    assert.deepEqual(await trailOf('two-hops'), [['chain', 'broken_stream', 'BIFROST_UPSTREAM_TRUNCATED'], ['second', 'diverged', 'BIFROST_STREAM_DIVERGED']])
  })

  test('a provider that continues a last message of the assistant gets the text so far and says the rest', async () => {
    prefilled.script = (exchange) => {
      const { messages } = exchange.json as unknown as { messages: object[] }
      assert.deepEqual(messages, [{ role: 'user', content: 'hello' }, { role: 'assistant', content: textOf(0, 40) }])
      return faults.stream(roleEvent + sixty.slice(40).join('') + finishEvent() + doneEvent)(exchange)
    }
    assertWhole(await stream('given/m'))
  })

  test('a provider that refuses the text so far leaves the error of the break', async () => {
    prefilled.script = (exchange) => { exchange.answer(400, '{"error":{"message":"Prefilling assistant messages is not supported for this model.","type":"invalid_request_error","param":null,"code":null}}') }
    assertBroken(await stream('given/m'))
  })

  test('a continuation that breaks as well does not go on where its provider has recovery off', async () => {
    fallback.script = faults.cut(sixty.slice(0, 50).join(''), 'chunked')
    assertBroken(await stream('up/m'), 'upstream_truncated', 50)
  })

  test('without a next target, or with recovery off, a broken stream ends as it always did', async () => {
    for (const model of ['lonely/m', 'off/m']) {
      const before = fallback.requestCount
      assertBroken(await stream(model))
      assert.equal(fallback.requestCount, before)
    }
  })

  test('a text over its limit is not continued', async () => {
    const long = contentEvent('x'.repeat(1_025))
    primary.script = faults.cut(long, 'chunked')
    fallback.script = faults.stream(long + contentEvent('y') + finishEvent() + doneEvent)
    assert.equal(inBandError((await stream('small/m')).text)?.type, 'upstream_truncated')
    assert.ok((await stream('up/m')).text.endsWith(doneEvent), 'the usual limit is larger')
  })

  test('a stream is not continued once the time of its request is over', async () => {
    fallback.script = faults.silent()
    const before = fallback.requestCount
    assertBroken(await stream('up/m', {}, { 'x-bf-request-timeout': '0.5', 'x-request-id': 'no-time' }))
    assert.equal(fallback.requestCount, before + 1)
    assert.deepEqual(await trailOf('no-time'), [['up', 'broken_stream', 'BIFROST_UPSTREAM_TRUNCATED']], 'the fallback did not fail by itself, it was left')
    await gateway.whenIdle()
  })

  test('a client that leaves while the next target is asked takes that attempt with it', async () => {
    fallback.script = faults.stall(roleEvent + (sixty[0] as string))
    const asked = fallback.requestCount + 1
    const client = await RawClient.connect(gateway.port)
    const response = await client.chat(chatBody('up/m', { stream: true }))
    await fallback.whenRequests(asked)
    assert.equal(response.status, 200)
    client.socket.resetAndDestroy()
    await eventually(() => fallback.inFlight === 0, 'the fallback is left')
    await gateway.whenIdle()
  })

  test('threads that die under a stream cost it nothing', async (t) => {
    const client = await RawClient.connect(gateway.port)
    t.after(() => { client.socket.destroy() })
    const response = await client.chat(chatBody('mock/m', { stream: true }), { 'x-request-id': 'thread-dies' })
    await response.until('"chunk_index":9')
    // It is tried again, and ends the next thread as well, where the stream may be by then.
    await askChat(gateway.port, 'mock/exit-thread')
    assert.equal(await response.end(), 'complete')
    assertWhole(response)
    assert.deepEqual((await trailOf('thread-dies'))[0], ['mock', 'transient', 'BIFROST_WORKER_LOST'])
  })

  test('more known text than the window of a stream is skipped without a stall', async () => {
    const large = Array.from({ length: 40 }, (_, index) => contentEvent(`${index} ${'x'.repeat(6_000)}`))
    primary.script = faults.cut(large.slice(0, 38).join(''), 'chunked')
    fallback.script = faults.stream(large.join('') + finishEvent() + doneEvent)
    const { text } = await stream('up/m')
    assert.equal(textIn(text), textIn(large.join('')))
    assert.ok(text.endsWith(doneEvent))
  })

  test('the official SDK sees one answer of 60 tokens', async () => {
    const messages = [{ role: 'user' as const, content: 'count' }]
    const completion = await sdk(gateway.url).chat.completions.stream({ model: 'up/m', messages }).finalChatCompletion()
    assert.equal(completion.choices.length, 1)
    assert.deepEqual([completion.choices[0]?.message.content, completion.choices[0]?.message.role, completion.choices[0]?.finish_reason], [textOf(0, 60), 'assistant', 'stop'])
    prefilled.script = faults.stream(roleEvent + sixty.slice(40).join('') + finishEvent() + doneEvent)
    let text = ''
    for await (const chunk of await sdk(gateway.url).chat.completions.create({ model: 'given/m', messages, stream: true })) text += chunk.choices[0]?.delta.content ?? ''
    assert.equal(text, textOf(0, 60))
  })
})
