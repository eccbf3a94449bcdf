import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { GatewayError } from '../../src/errors.ts'
import { membersMax } from '../../src/single-flight/flight.ts'
import { flightsMax } from '../../src/single-flight/flights.ts'
import { createHarness, noUsage, startMs, toReply } from './harness.ts'
import type { FakeClient } from './harness.ts'
import { createUsage } from '../../src/api/usage.ts'

const stream = { body: { stream: true } }
const gone = (): GatewayError => new GatewayError('BIFROST_CLIENT_CLOSED')

test('identical requests share one upstream request, and each gets the whole answer', () => {
  const { ask, pool, upstream, joins } = createHarness()
  const clients = [ask(), ask(), ask()]
  assert.equal(pool.upstreams.length, 1)
  upstream().listener.onReply(toReply('{}'))
  assert.deepEqual(clients.map(({ text, events }) => [text, events]), Array(3).fill(['{}', ['answer']]))
  assert.deepEqual(clients.map(({ joined }) => joined), [false, true, true])
  assert.deepEqual(clients.map(({ headers }) => headers.split('\r\n')[0]), ['a: b', 'a: b', 'a: b'])
  assert.deepEqual(joins, ['up', 'up'])
})

test('other credentials, another provider or a request after the end go up on their own', () => {
  const { ask, pool, upstream } = createHarness()
  const first = ask({ headers: ['authorization', 'Bearer a'] })
  ask({ headers: ['authorization', 'Bearer b'] })
  ask({ body: { model: 'off/m' } })
  ask({ body: { model: 'off/m' } })
  assert.equal(pool.upstreams.length, 4)
  upstream(0).listener.onReply(toReply('{}'))
  const later = ask({ headers: ['authorization', 'Bearer a'] })
  assert.equal(pool.upstreams.length, 5)
  assert.deepEqual([first.events, later.events], [['answer'], []])
})

test('where no provider shares requests, none is shared', () => {
  const { ask, pool } = createHarness({ singleFlight: null })
  ask()
  ask()
  assert.equal(pool.upstreams.length, 2)
})

test('a request with a header that is none is refused alone and disturbs nobody', () => {
  const { ask, pool, upstream } = createHarness()
  const bad = ask({ headers: ['x-bf-request-timeout', 'soon'] })
  const good = ask()
  const alsoBad = ask({ headers: ['x-bf-request-timeout', '-1'] })
  assert.deepEqual([bad.events, alsoBad.events], [['BIFROST_INVALID_HEADER'], ['BIFROST_INVALID_HEADER']])
  upstream().listener.onReply(toReply('{}'))
  assert.deepEqual([good.events, pool.upstreams.length], [['answer'], 1])
})

test('a stream goes to all members, chunk by chunk', () => {
  const { ask, upstream } = createHarness()
  const clients = [ask(stream), ask(stream)]
  const { listener } = upstream()
  listener.onHead(200, 'a: b', 5)
  listener.onChunk(Buffer.from('one '))
  assert.deepEqual(clients.map(({ text }) => text), ['one ', 'one '])
  listener.onChunk(Buffer.from('two'))
  listener.onEnd(noUsage, 5)
  assert.deepEqual(clients.map(({ text, events }) => [text, events]), Array(2).fill(['one two', ['open', 'close']]))
})

test('whenever a member joins, it sees the bytes that the first one sees', () => {
  const chunks = fc.array(fc.integer({ min: 1, max: 60_000 }), { minLength: 1, maxLength: 10 })
  const joinsAt = fc.array(fc.integer({ min: 0, max: 10 }), { minLength: 1, maxLength: 6 })
  fc.assert(fc.property(chunks, joinsAt, (sizes, places) => {
    const { ask, pool, upstream } = createHarness({ singleFlight: { replayBytesMax: 600_000 } })
    const clients = [ask(stream)]
    const { listener } = upstream()
    listener.onHead(200, '', 5)
    for (const [index, size] of sizes.entries()) {
      for (const place of places) if (place === index) clients.push(ask(stream))
      listener.onChunk(Buffer.alloc(size, 0x61 + index))
    }
    for (const place of places) if (place >= sizes.length) clients.push(ask(stream))
    listener.onEnd(noUsage, 5)
    assert.equal(pool.upstreams.length, 1)
    const whole = sizes.map((size, index) => String.fromCharCode(0x61 + index).repeat(size)).join('')
    for (const client of clients) {
      assert.ok(client.text === whole)
      assert.deepEqual(client.events, ['open', 'close'])
    }
  }), { numRuns: 100 })
})

test('past the replay limit nobody joins: the same request starts another flight', () => {
  const { ask, pool, upstream } = createHarness({ singleFlight: { replayBytesMax: 10 } })
  const first = ask(stream)
  upstream().listener.onHead(200, '', 5)
  upstream().listener.onChunk(Buffer.from('0123456789'))
  const second = ask(stream)
  assert.equal(pool.upstreams.length, 1)
  upstream().listener.onChunk(Buffer.from('x'))
  const third = ask(stream)
  assert.equal(pool.upstreams.length, 2)
  const fourth = ask(stream)
  assert.equal(pool.upstreams.length, 2)
  // The end of the first flight must not take the second one out of the table.
  upstream(0).listener.onEnd(noUsage, 5)
  const fifth = ask(stream)
  assert.equal(pool.upstreams.length, 2)
  upstream(1).listener.onHead(200, '', 5)
  upstream(1).listener.onChunk(Buffer.from('y'))
  upstream(1).listener.onEnd(noUsage, 5)
  assert.deepEqual([first, second, third, fourth, fifth].map(({ text }) => text), ['0123456789x', '0123456789x', 'y', 'y', 'y'])
})

test('a full flight is left alone: the same request starts another one', () => {
  const { ask, pool } = createHarness()
  for (let count = 0; count < membersMax; count++) ask()
  assert.equal(pool.upstreams.length, 1)
  ask()
  ask()
  assert.equal(pool.upstreams.length, 2)
})

test('when there are as many flights as may be, a request runs alone, and takes no other flight with it when it ends', () => {
  const { ask, pool, upstream } = createHarness()
  for (let seed = 0; seed < flightsMax; seed++) ask({ body: { seed } })
  const same = { body: { seed: 'same' } }
  const alone = [ask(same), ask(same)]
  assert.equal(pool.upstreams.length, flightsMax + 2)
  ask({ body: { seed: 0 } })
  assert.equal(pool.upstreams.length, flightsMax + 2)
  upstream(0).listener.onReply(toReply('{}'))
  ask(same)
  assert.equal(pool.upstreams.length, flightsMax + 3)
  upstream(flightsMax).listener.onReply(toReply('alone'))
  ask(same)
  assert.equal(pool.upstreams.length, flightsMax + 3)
  assert.deepEqual(alone.map(({ text }) => text), ['alone', ''])
})

test('when the one that began it leaves, the others get the whole answer, and so does who joins then', () => {
  const { ask, pool, upstream } = createHarness()
  const [leader, second] = [ask(stream), ask(stream)]
  const { listener } = upstream()
  listener.onHead(200, '', 5)
  listener.onChunk(Buffer.from('one '))
  leader.leave(gone())
  assert.equal(upstream().cancelled, false)
  const third = ask(stream)
  listener.onChunk(Buffer.from('two'))
  listener.onEnd(noUsage, 5)
  assert.deepEqual([leader.text, second.text, third.text], ['one ', 'one two', 'one two'])
  assert.equal(pool.upstreams.length, 1)
})

test('when the last member leaves, the upstream request is cancelled, and the next request is a new one', () => {
  for (const order of [[0, 1, 2], [2, 1, 0], [1, 0, 2]]) {
    const { ask, pool, upstream } = createHarness()
    const clients = [ask(stream), ask(stream), ask(stream)]
    const [first, second, last] = order.map((index) => clients[index] as FakeClient)
    first?.leave(gone())
    second?.leave(gone())
    assert.equal(upstream().cancelled, false)
    last?.leave(gone())
    assert.equal(upstream().cancelled, true)
    ask(stream)
    assert.equal(pool.upstreams.length, 2)
  }
})

test('what the upstream request cost is in one record, whoever leaves', () => {
  fc.assert(fc.property(fc.shuffledSubarray([0, 1, 2, 3], { maxLength: 3 }), (leaving) => {
    const { ask, upstream } = createHarness()
    const clients = [ask(), ask(), ask(), ask()]
    for (const index of leaving) clients[index]?.leave(gone())
    upstream().listener.onReply(toReply('{}'))
    const records = clients.map((client) => client.handle?.record)
    assert.deepEqual(records.map((record) => record?.outcome), clients.map((_, index) => leaving.includes(index) ? 'BIFROST_CLIENT_CLOSED' : 'ok'))
    const paying = records.filter((record) => record?.isShared === false)
    assert.deepEqual(paying.map((record) => [record?.attempts, record?.usage, record?.outcome]), [[1, createUsage(3, 4), 'ok']])
    for (const record of records) {
      assert.equal(record?.settled, true)
      assert.equal(record?.target?.provider.name, 'up')
      if (record?.isShared === true) assert.deepEqual([record.attempts, record.usage], [0, noUsage])
    }
  }))
})

test('a failure before the head is the error of all members', () => {
  const { ask, pool, upstream } = createHarness()
  const clients = [ask(stream), ask(stream), ask(stream)]
  upstream().listener.onFailed(new GatewayError('BIFROST_UPSTREAM_RESET', { provider: 'up' }), 'a: b', noUsage, 5)
  assert.deepEqual(clients.map(({ events }) => events), Array(3).fill(['BIFROST_UPSTREAM_RESET']))
  assert.deepEqual(clients.map(({ joined }) => joined), [false, true, true])
  ask(stream)
  assert.equal(pool.upstreams.length, 2)
})

test('a failure in mid-stream is the error of all members, of a late one after the same bytes', () => {
  const { ask, upstream } = createHarness()
  const early = ask(stream)
  upstream().listener.onHead(200, '', 5)
  upstream().listener.onChunk(Buffer.from('one'))
  const late = ask(stream)
  upstream().listener.onFailed(new GatewayError('BIFROST_UPSTREAM_TRUNCATED'), '', noUsage, 5)
  for (const { events, text } of [early, late]) assert.deepEqual([events, text], [['open', 'BIFROST_UPSTREAM_TRUNCATED'], 'one'])
  for (const { handle } of [early, late]) assert.equal(handle?.record.outcome, 'BIFROST_UPSTREAM_TRUNCATED')
})

test('a member whose time is over before the first byte fails alone', () => {
  const { ask, clock, upstream } = createHarness()
  const hasty = ask({ headers: ['x-bf-request-timeout', '1'] })
  const patient = ask({ headers: ['x-bf-request-timeout', '30'] })
  const hastyToo = ask({ headers: ['x-bf-request-timeout', '2'] })
  const clients = [hasty, patient, hastyToo]
  const tick = (afterMs: number): void => {
    clock.nowMs = startMs + afterMs
    for (const { handle, alive } of clients) if (alive) handle?.onTick(clock.nowMs)
  }
  // The first attempt of a thread that says nothing is given up after 6 s, so the clock stays below.
  tick(999)
  assert.deepEqual(clients.map(({ events }) => events), [[], [], []])
  tick(1_000)
  assert.deepEqual(clients.map(({ events }) => events), [['BIFROST_DEADLINE_EXCEEDED'], [], []])
  assert.match(String(hasty.error?.message), /within 1 s/)
  tick(2_500)
  assert.deepEqual(clients.map(({ events }) => events), [['BIFROST_DEADLINE_EXCEEDED'], [], ['BIFROST_DEADLINE_EXCEEDED']])
  assert.match(String(hastyToo.error?.message), /within 2 s/)
  assert.equal(upstream().cancelled, false)
  upstream().listener.onReply(toReply('{}'))
  assert.deepEqual(patient.events, ['answer'])
  assert.deepEqual(clients.map(({ handle }) => [handle?.record.outcome, handle?.record.attempts]), [['BIFROST_DEADLINE_EXCEEDED', 0], ['ok', 1], ['BIFROST_DEADLINE_EXCEEDED', 0]])
})

test('when the time of the last member is over, the upstream request is cancelled', () => {
  const { ask, clock, upstream } = createHarness()
  const clients = [ask({ headers: ['x-bf-request-timeout', '1'] }), ask({ headers: ['x-bf-request-timeout', '1'] })]
  clock.nowMs = startMs + 1_000
  for (const { handle } of clients) handle?.onTick(clock.nowMs)
  assert.deepEqual(clients.map(({ events }) => events), Array(2).fill(['BIFROST_DEADLINE_EXCEEDED']))
  assert.equal(upstream().cancelled, true)
  assert.deepEqual(clients.map(({ handle }) => [handle?.record.outcome, handle?.record.isShared]), [['BIFROST_DEADLINE_EXCEEDED', true], ['BIFROST_DEADLINE_EXCEEDED', false]])
})

test('a retry has the time of the most patient member', () => {
  const retry = { maxRetries: 1, backoffInitialMs: 500, backoffMaxMs: 5_000, budgetShare: 1 }
  const fails = (patient: boolean): string[] => {
    const { ask, upstream } = createHarness({ singleFlight: { replayBytesMax: 1_000 }, retry })
    const hasty = ask({ headers: ['x-bf-request-timeout', '0.1'] })
    if (patient) ask()
    upstream().listener.onFailed(new GatewayError('BIFROST_UPSTREAM_RESET', { provider: 'up' }), 'retry-after-ms: 400', noUsage, 5)
    return hasty.events
  }
  assert.deepEqual(fails(false), ['BIFROST_UPSTREAM_RESET'])
  assert.deepEqual(fails(true), [])
})

test('a worker that says nothing for too long is given up once, for all', () => {
  const { ask, clock, upstream } = createHarness()
  const clients = [ask(), ask()]
  clock.nowMs = startMs + 6_000
  for (const { handle } of clients) handle?.onTick(clock.nowMs)
  assert.deepEqual(clients.map(({ events }) => events), Array(2).fill(['BIFROST_TOTAL_TIMEOUT']))
  assert.equal(upstream().cancelled, true)
})

test('the upstream goes at the pace of the slowest member', () => {
  const { ask, upstream } = createHarness({ singleFlight: { replayBytesMax: 1_000_000 } })
  ask(stream)
  const slow = ask({ ...stream, reads: false })
  const { listener } = upstream()
  listener.onHead(200, '', 5)
  for (let count = 0; count < 4; count++) listener.onChunk(Buffer.alloc(32 * 1024))
  assert.equal(upstream().creditedBytes, 0)
  slow.read(40_000)
  assert.equal(upstream().creditedBytes, 40_000)
  slow.leave(new GatewayError('BIFROST_SLOW_CLIENT'))
  assert.equal(upstream().creditedBytes, 128 * 1024)
})

test('credit is never more than what the slowest member has taken, and lags by less than 32 KiB', () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('chunk' as const), bytes: fc.integer({ min: 1, max: 50_000 }) }),
    fc.record({ kind: fc.constant('read' as const), who: fc.nat(5), share: fc.double({ min: 0.01, max: 1, noNaN: true }) }),
    fc.record({ kind: fc.constant('join' as const), reads: fc.boolean() }),
    fc.record({ kind: fc.constant('leave' as const), who: fc.nat(5) })
  )
  fc.assert(fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
    const { ask, upstream } = createHarness({ singleFlight: { replayBytesMax: 4_000_000 } })
    let members = [ask({ ...stream, reads: false })]
    upstream().listener.onHead(200, '', 5)
    let sent = 0
    let before = 0
    for (const todo of steps) {
      if (todo.kind === 'chunk') {
        sent += todo.bytes
        upstream().listener.onChunk(Buffer.alloc(todo.bytes))
      } else if (todo.kind === 'join') {
        if (members.length < 6) members.push(ask({ ...stream, reads: todo.reads }))
      } else {
        const member = members[todo.who % members.length] as FakeClient
        if (todo.kind === 'read') member.read(Math.ceil(member.unreadBytes * todo.share))
        else if (members.length > 1) {
          members = members.filter((other) => other !== member)
          member.leave(gone())
        }
      }
      const least = Math.min(...members.map(({ unreadBytes }) => sent - unreadBytes))
      const { creditedBytes } = upstream()
      // A late member starts behind what was credited before it came; nothing more may be credited until it has caught up.
      assert.ok(creditedBytes > least - 32 * 1024, `${creditedBytes} of ${least}`)
      if (creditedBytes !== before) assert.ok(creditedBytes <= least, `${creditedBytes} of ${least}`)
      before = creditedBytes
    }
  }), { numRuns: 300 })
})

test('a request of another generation does not join, and those of the old one go on', () => {
  const { ask, gateway, pool, upstream, createGeneration } = createHarness()
  const old = [ask(), ask()]
  gateway.generation = createGeneration()
  const next = ask()
  assert.equal(pool.upstreams.length, 2)
  upstream(0).listener.onReply(toReply('old'))
  const nextToo = ask()
  assert.equal(pool.upstreams.length, 2)
  upstream(1).listener.onReply(toReply('new'))
  assert.deepEqual([...old, next, nextToo].map(({ text }) => text), ['old', 'old', 'new', 'new'])
})

test('what comes from a client after its ending changes nothing', () => {
  const { ask, upstream } = createHarness()
  const [first, second] = [ask(), ask()]
  first.leave(gone())
  first.leave(gone())
  first.handle?.onTick(1e9)
  first.handle?.onTaken(1e6)
  assert.equal(upstream().cancelled, false)
  upstream().listener.onReply(toReply('{}'))
  second.leave(new GatewayError('BIFROST_SLOW_CLIENT'))
  assert.equal(second.handle?.record.outcome, 'ok')
})

test('a refusal that comes at once is the answer of its request, and nothing stays in flight', () => {
  const { ask, pool } = createHarness({ singleFlight: { replayBytesMax: 1_000 }, unavailableReason: 'no key' })
  assert.deepEqual([ask(), ask()].map(({ events, joined }) => [events, joined]), Array(2).fill([['BIFROST_PROVIDER_UNAVAILABLE'], false]))
  assert.equal(pool.upstreams.length, 0)
})
