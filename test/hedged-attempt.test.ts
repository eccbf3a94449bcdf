import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { HedgingSettings, ProviderSettings } from '../src/api/settings.ts'
import { GatewayError } from '../src/errors.ts'
import type { Breaker } from '../src/router/breaker.ts'
import { FakeWorld } from './helpers/fake-run.ts'
import type { FakeClient, FakeJob } from './helpers/fake-run.ts'
import { createRandom } from './helpers/random.ts'
import { createKey, createProvider } from './router/settings.ts'
import { createUsage } from '../src/api/usage.ts'

const hedging: HedgingSettings = { delayMinMs: 50, requestsMin: 100, budgetShare: 1 }
const slowMs = 200
const breaker = { windowMs: 10_000, requestsMin: 5, failureShare: 0.5, slowMs: 0, slowShare: 1, openMs: 1_000, openMaxMs: 1_000, halfOpenRequests: 1, rampMs: 0 }
const timeouts = { connectMs: 1_000, responseHeaderMs: 1_000, firstTokenMs: 1_000, streamIdleMs: 1_000, totalMs: 30_000, streamTotalMs: 20_000 }

/** `main` is hedged and falls back to `spare`; its answers took 200 ms so far. */
function createWorld (main: Partial<ProviderSettings> = {}, spare: Partial<ProviderSettings> = {}): FakeWorld {
  const world = new FakeWorld([
    createProvider('main', { hedging, timeouts, fallbacks: { general: [{ provider: 'spare', model: 'm' }], byModel: {}, contextLength: [], contentPolicy: [] }, ...main }),
    createProvider('spare', { timeouts, ...spare }),
    createProvider('third', { timeouts })
  ])
  world.learn('main', 100, slowMs)
  return world
}

interface Pair { world: FakeWorld, client: FakeClient, run: ReturnType<FakeWorld['ask']>['run'], original: FakeJob, hedge: FakeJob }

/** A request whose original is late, so that its hedge runs on `spare`. */
function startPair (options: Parameters<FakeWorld['ask']>[1] = {}, world = createWorld()): Pair {
  const { client, run } = world.ask('main/m', options)
  world.clock.advance(slowMs)
  assert.deepEqual([world.pool('main').jobs.length, world.pool('spare').jobs.length], [1, 1])
  return { world, client, run, original: world.pool('main').last, hedge: world.pool('spare').last }
}

/** Open for 1 s from now on. */
function openBreaker (world: FakeWorld, provider: string): Breaker {
  const opened = world.health.of(provider).breaker('m')
  for (let index = 0; index < 5; index++) opened.finish(breaker, 'normal', opened.currentEpoch, 'failure', world.clock.nowMs)
  assert.equal(opened.state, 'open')
  return opened
}

const outcomesOf = (run: Pair['run']): string[] => (run.record.plan?.trail ?? []).map(({ target, outcome, isHedge }) => `${target?.provider.name} ${outcome}${isHedge === true ? ' hedge' : ''}`)
const resultsOf = (run: Pair['run']): string[] => (run.record.hedges ?? []).map(({ provider, hedgeProvider, result }) => `${provider} ${hedgeProvider} ${result}`)

describe('when a hedge starts', () => {
  test('not before as many good answers were seen as the config says', () => {
    const world = new FakeWorld([createProvider('main', { hedging }), createProvider('spare')])
    world.learn('main', 99, slowMs)
    world.ask('main/m', { fallbacks: ['spare/m'] })
    world.clock.advance(20_000)
    assert.equal(world.pool('spare').jobs.length, 0)
    world.learn('main', 1, slowMs)
    world.ask('main/m', { fallbacks: ['spare/m'] })
    world.clock.advance(20_000)
    assert.equal(world.pool('spare').jobs.length, 1)
  })

  for (const [name, latencyMs, firesMs] of [['at the 95th percentile of the times to the first byte', 200, 200], ['not before the shortest delay, however fast the provider is', 5, 50]] as const) {
    test(name, () => {
      const world = new FakeWorld([createProvider('main', { hedging }), createProvider('spare')])
      // Of 200 answers 11 are slower than the percentile.
      world.learn('main', 189, 1)
      world.learn('main', 11, latencyMs)
      world.ask('main/m', { fallbacks: ['spare/m'] })
      world.clock.advance(firesMs - 1)
      assert.equal(world.pool('spare').jobs.length, 0)
      world.clock.advance(1)
      assert.equal(world.pool('spare').jobs.length, 1)
    })
  }

  test('the clock runs from the moment the attempt has left the queue', () => {
    const world = createWorld()
    world.pool('main').holds = true
    world.ask('main/m')
    world.clock.advance(10_000)
    assert.equal(world.pool('spare').jobs.length, 0)
    world.pool('main').last.dispatch(10_000)
    world.clock.advance(slowMs - 1)
    assert.equal(world.pool('spare').jobs.length, 0)
    world.clock.advance(1)
    assert.equal(world.pool('spare').jobs.length, 1)
  })

  test('never once the client has seen a byte', () => {
    const world = createWorld()
    const { client } = world.ask('main/m', { stream: true })
    world.clock.advance(slowMs - 1)
    world.pool('main').last.beginStream()
    world.clock.advance(30_000)
    assert.equal(world.pool('spare').jobs.length, 0)
    assert.equal(world.clock.timerCount, 0)
    assert.deepEqual(client.calls, ['openStream'])
  })

  test('at most one for an attempt', () => {
    const { world, hedge } = startPair({ fallbacks: ['spare/m', 'third/m'] })
    hedge.fail('BIFROST_UPSTREAM_RESET')
    world.clock.advance(20_000)
    assert.deepEqual([...world.pools.values()].map(({ jobs }) => jobs.length), [1, 1, 0])
  })

  test('not when the request has less time left than an attempt needs', () => {
    for (const [seconds, wanted] of [['0.209', 0], ['0.21', 1]] as const) {
      const world = createWorld()
      world.ask('main/m', { headers: { 'x-bf-request-timeout': seconds } })
      world.clock.advance(slowMs)
      assert.equal(world.pool('spare').jobs.length, wanted, `${seconds} s`)
    }
  })

  test('not when the provider has no hedging, another one has', () => {
    const world = createWorld({ hedging: null }, { hedging })
    world.learn('spare', 100, 1)
    world.ask('main/m')
    assert.equal(world.clock.timerCount, 0)
    world.clock.advance(20_000)
    assert.equal(world.pool('spare').jobs.length, 0)
  })
})

test('over 10,000 requests, however slow, hedges stay within their share of any stretch of them and ten more', () => {
  fc.assert(fc.property(fc.integer(), fc.constantFrom(0, 0.02, 0.1, 0.5), fc.integer({ min: 0, max: 20 }), (seed, budgetShare, slowTwentieths) => {
    // Not a double: nearly all of those are next to nothing.
    const slowShare = slowTwentieths / 20
    const random = createRandom(seed)
    const world = createWorld({ hedging: { ...hedging, budgetShare } })
    const [main, spare] = [world.pool('main'), world.pool('spare')]
    let excess = 0
    let hedges = 0
    let slow = 0
    for (let request = 0; request < 10_000; request++) {
      world.ask('main/m')
      const isSlow = random() < slowShare
      if (isSlow) {
        slow++
        world.clock.advance(60_000 - 20)
      }
      hedges += spare.jobs.length
      // The largest sum of any stretch that ends here.
      excess = Math.max(0, excess) + spare.jobs.length - budgetShare
      assert.ok(excess <= 10 + 1e-6, `${excess} more than their share`)
      const answering = spare.jobs.length > 0 && random() < 0.5 ? spare : main
      answering.last.reply()
      main.jobs.length = spare.jobs.length = 0
      assert.equal(world.clock.timerCount, 0)
    }
    assert.ok(hedges <= slow)
    // They are made, too: all that are earned while everything is slow.
    if (slowShare > 0.9) assert.ok(hedges >= budgetShare * slow - 10, `${hedges} hedges`)
  }), { numRuns: 12 })
})

describe('the first one to begin', () => {
  test('is the hedge: its target is named, the original is cancelled once', () => {
    const { world, client, run, original, hedge } = startPair()
    hedge.reply('{"from":"spare"}')
    assert.deepEqual(client.calls, ['answer'])
    assert.equal(client.text, '{"from":"spare"}')
    assert.match(client.identity?.headers ?? '', /x-bifrost-provider: spare\r\n[^]*x-bifrost-fallback-index: 1\r\n[^]*primary-provider: main/)
    assert.match(client.identity?.extraFields ?? '', /"provider":"spare"/)
    assert.deepEqual([original.cancelCount, hedge.cancelCount], [1, 0])
    assert.equal(run.record.target?.provider.name, 'spare')
    assert.equal(run.record.attempts, 1)
    assert.deepEqual(outcomesOf(run), [])
    assert.deepEqual(resultsOf(run), ['main spare won'])
    // The original's ending comes late and means nothing.
    original.fail('BIFROST_CLIENT_CLOSED')
    run.onGone(new GatewayError('BIFROST_CLIENT_CLOSED'))
    assert.deepEqual(client.calls, ['answer'])
    assert.equal(run.record.outcome, 'ok')
    assert.equal(original.cancelCount, 1)
    assert.equal(world.clock.timerCount, 0)
  })

  test('is the original: the hedge is cancelled once', () => {
    const { client, run, original, hedge } = startPair()
    original.reply('{"from":"main"}')
    assert.equal(client.text, '{"from":"main"}')
    assert.doesNotMatch(client.identity?.headers ?? '', /fallback-index/)
    assert.deepEqual([original.cancelCount, hedge.cancelCount], [0, 1])
    assert.equal(run.record.target?.provider.name, 'main')
    assert.deepEqual(resultsOf(run), ['main spare lost'])
    hedge.reply('{"from":"spare"}')
    assert.deepEqual(client.calls, ['answer'])
  })

  test('is a stream: nothing of the loser gets into it, credit goes to the winner alone', () => {
    const { client, run, original, hedge } = startPair({ stream: true })
    hedge.beginStream('data: spare\n\n')
    original.beginStream('data: main\n\n')
    hedge.listener.onChunk(Buffer.from('data: more\n\n'))
    original.listener.onChunk(Buffer.from('data: main again\n\n'))
    run.onTaken(40_000)
    hedge.listener.onEnd(createUsage(3, 4), 0)
    assert.equal(client.text, 'data: spare\n\ndata: more\n\n')
    assert.deepEqual(client.calls, ['openStream', 'closeStream'])
    assert.match(client.identity?.headers ?? '', /x-bifrost-provider: spare/)
    assert.deepEqual([original.creditBytes, hedge.creditBytes], [0, 40_000])
    assert.deepEqual([original.cancelCount, hedge.cancelCount], [1, 0])
    assert.deepEqual(run.record.usage, createUsage(3, 4))
  })

  test('is a stream that breaks later: that is the end, and its failure', () => {
    const { world, client, run, hedge } = startPair({ stream: true, fallbacks: ['spare/m', 'third/m'] })
    hedge.beginStream()
    hedge.fail('BIFROST_UPSTREAM_TRUNCATED')
    assert.deepEqual(client.calls, ['openStream', 'fail'])
    assert.equal(client.error?.code, 'BIFROST_UPSTREAM_TRUNCATED')
    assert.deepEqual(outcomesOf(run), ['spare broken_stream hedge'])
    assert.equal(run.record.target?.provider.name, 'spare')
    assert.equal(world.pool('third').jobs.length, 0)
  })

  test('takes its time from the moment the original went upstream', () => {
    const { world, run, hedge } = startPair()
    world.clock.advance(30)
    hedge.reply('{}', 30_000)
    assert.equal(run.record.upstreamMicroseconds, (slowMs + 30) * 1_000)
  })

  test('leaves the loser in the trail where the client asks for it', () => {
    for (const [winner, wanted] of [['hedge', 'main outpaced'], ['original', 'spare outpaced hedge']] as const) {
      const pair = startPair({ headers: { 'x-bf-attempt-trail': 'true' } })
      pair[winner].reply()
      assert.deepEqual(outcomesOf(pair.run), [wanted])
      assert.match(pair.client.text, /"attempt_trail":\[\{[^[\]]*"outcome":"outpaced","code":null/)
    }
  })

  test('gives the loser\'s permit back without a verdict: it may be asked again as a probe', () => {
    const world = createWorld({ breaker })
    const mainBreaker = openBreaker(world, 'main')
    world.clock.advance(2_000)
    const { hedge } = startPair({}, world)
    assert.equal(mainBreaker.tryAcquire(breaker, world.clock.nowMs, 0), 'refused')
    hedge.reply()
    assert.equal(mainBreaker.state, 'half_open')
    assert.equal(mainBreaker.tryAcquire(breaker, world.clock.nowMs, 0), 'probe')
  })

  test('is the hedge so often that only fast originals are seen to the end: the percentile stays where it was', () => {
    const world = createWorld()
    for (let request = 0; request < 1_000; request++) {
      world.ask('main/m')
      // One of ten is slow.
      if (request % 10 > 0) {
        world.clock.advance(10)
        world.pool('main').last.reply()
        continue
      }
      world.clock.advance(250)
      const { jobs, last } = world.pool('spare')
      ;(jobs.length > 0 ? last : world.pool('main').last).reply()
      jobs.length = 0
    }
    const slow = world.health.of('main').slowLatencyMs(1)
    assert.equal(slow, 250)
  })
})

describe('when one of two fails', () => {
  test('the request waits for the other, and who answers is named', () => {
    for (const [failing, answering, provider, outcomes, result] of [
      ['original', 'hedge', 'spare', ['main transient'], 'won'],
      ['hedge', 'original', 'main', ['spare transient hedge'], 'failed']
    ] as const) {
      const pair = startPair({ headers: { 'x-bf-attempt-trail': 'true' } })
      pair[failing].fail('BIFROST_UPSTREAM_STATUS', 503)
      assert.deepEqual(pair.client.calls, [])
      assert.deepEqual(outcomesOf(pair.run), outcomes)
      pair[answering].reply()
      assert.deepEqual(pair.client.calls, ['answer'])
      assert.match(pair.client.identity?.headers ?? '', new RegExp(`x-bifrost-provider: ${provider}\r\n`))
      assert.deepEqual(outcomesOf(pair.run), outcomes)
      assert.deepEqual(resultsOf(pair.run), [`main spare ${result}`])
      assert.equal(pair.run.record.attempts, 2)
      assert.deepEqual([pair.original.cancelCount, pair.hedge.cancelCount], [0, 0])
    }
  })

  test('its key rests and its breaker counts at once', () => {
    const { world, original } = startPair({}, createWorld({ breaker: { ...breaker, requestsMin: 1 } }))
    original.fail('BIFROST_UPSTREAM_STATUS', 503)
    assert.equal(world.health.of('main').breaker('m').state, 'open')
    const limited = startPair()
    limited.original.fail('BIFROST_UPSTREAM_STATUS', 429, 'retry-after: 30')
    assert.equal(limited.world.health.of('main').keyRests.restsUntilMs('main-id', true, 0), limited.world.clock.nowMs + 30_000)
    // The wait for the hedge does not make the rest longer.
    limited.world.clock.advance(5_000)
    limited.hedge.fail('BIFROST_UPSTREAM_RESET')
    assert.equal(limited.world.health.of('main').keyRests.restsUntilMs('main-id', true, 0), limited.world.clock.nowMs + 25_000)
    const other = startPair()
    other.hedge.fail('BIFROST_UPSTREAM_STATUS', 429, 'retry-after: 30')
    assert.equal(other.world.health.of('spare').keyRests.restsUntilMs('spare-id', true, 0), other.world.clock.nowMs + 30_000)
  })

  test('and then the other: one failure, the original\'s, with both in the trail', () => {
    for (const [first, second, outcomes] of [
      ['original', 'hedge', ['main transient', 'spare key_passing hedge']],
      ['hedge', 'original', ['spare key_passing hedge', 'main transient']]
    ] as const) {
      const pair = startPair()
      const fail = { original: () => { pair.original.fail('BIFROST_UPSTREAM_STATUS', 503) }, hedge: () => { pair.hedge.fail('BIFROST_UPSTREAM_STATUS', 429) } }
      fail[first]()
      assert.deepEqual(pair.client.calls, [])
      fail[second]()
      assert.deepEqual(pair.client.calls, ['fail'])
      assert.equal(pair.client.error?.status, 503)
      assert.match(pair.client.context?.identity?.headers ?? '', /x-bifrost-provider: main\r\n/)
      assert.match(pair.client.context?.headers ?? '', /x-should-retry: false/)
      assert.deepEqual(outcomesOf(pair.run), outcomes)
      assert.deepEqual(resultsOf(pair.run), ['main spare failed'])
      assert.equal(pair.run.record.attempts, 2)
      // The fallback has had its chance.
      assert.equal(pair.world.pool('spare').jobs.length, 1)
      assert.equal(pair.world.clock.timerCount, 0)
    }
  })

  test('and then the other: a retry of the original follows, then the fallbacks that no hedge has used', () => {
    const retry = { maxRetries: 1, backoffInitialMs: 10, backoffMaxMs: 10, budgetShare: 1 }
    const { world, client, run, original, hedge } = startPair({ fallbacks: ['spare/m', 'third/m'] }, createWorld({ retry }))
    hedge.fail('BIFROST_UPSTREAM_STATUS', 500)
    original.fail('BIFROST_UPSTREAM_STATUS', 502)
    world.clock.advance(20)
    assert.equal(world.pool('main').jobs.length, 2)
    world.pool('main').last.fail('BIFROST_UPSTREAM_STATUS', 503)
    assert.deepEqual([...world.pools.values()].map(({ jobs }) => jobs.length), [2, 1, 1])
    world.pool('third').last.reply()
    assert.deepEqual(client.calls, ['answer'])
    assert.match(client.identity?.headers ?? '', /x-bifrost-provider: third\r\n[^]*x-bifrost-fallback-index: 2\r\n/)
    assert.deepEqual(outcomesOf(run), ['spare transient hedge', 'main transient', 'main transient'])
    assert.equal(run.record.attempts, 4)
  })

  test('and then the other: a silent target is tried again where the only fallback has failed as a hedge', () => {
    const retry = { maxRetries: 1, backoffInitialMs: 10, backoffMaxMs: 10, budgetShare: 1 }
    const { world, client, original, hedge } = startPair({}, createWorld({ retry }))
    hedge.fail('BIFROST_UPSTREAM_STATUS', 500)
    original.fail('BIFROST_FIRST_TOKEN_TIMEOUT')
    world.clock.advance(20)
    assert.equal(world.pool('main').jobs.length, 2)
    world.pool('main').last.reply()
    assert.deepEqual(client.calls, ['answer'])
  })

  test('by the end of its thread, that counts among the three after which a request is given up', () => {
    const { world, client, original, hedge } = startPair({ fallbacks: ['spare/m', 'third/m'] })
    original.fail('BIFROST_WORKER_LOST')
    hedge.fail('BIFROST_WORKER_LOST')
    world.pool('main').last.fail('BIFROST_WORKER_LOST')
    assert.deepEqual([...world.pools.values()].map(({ jobs }) => jobs.length), [2, 1, 0])
    assert.deepEqual(client.calls, ['fail'])
  })

  test('by waiting for too long, the other still counts; both together end the request', () => {
    const { world, client, run, original, hedge } = startPair({ stream: true })
    // The 20 s of a stream and 5 s of grace; the hedge started 200 ms later.
    world.clock.advance(25_000 - slowMs)
    run.onTick(world.clock.nowMs)
    assert.deepEqual([original.cancelCount, hedge.cancelCount], [1, 0])
    assert.deepEqual(client.calls, [])
    world.clock.advance(slowMs)
    run.onTick(world.clock.nowMs)
    assert.deepEqual([original.cancelCount, hedge.cancelCount], [1, 1])
    assert.deepEqual(outcomesOf(run), ['main silent', 'spare silent hedge'])
    assert.deepEqual(client.calls, ['fail'])
  })
})

describe('the end of the request', () => {
  test('the client leaves during both: both are cancelled once, nothing is told', () => {
    const { world, client, run, original, hedge } = startPair()
    run.onGone(new GatewayError('BIFROST_CLIENT_CLOSED'))
    run.onGone(new GatewayError('BIFROST_CLIENT_CLOSED'))
    assert.deepEqual([original.cancelCount, hedge.cancelCount], [1, 1])
    original.reply()
    hedge.fail('BIFROST_CLIENT_CLOSED')
    assert.deepEqual(client.calls, [])
    assert.equal(run.record.outcome, 'BIFROST_CLIENT_CLOSED')
    assert.deepEqual(resultsOf(run), ['main spare lost'])
    assert.equal(world.clock.timerCount, 0)
  })

  test('the client leaves before the hedge, or when one of two has failed: nothing is left behind', () => {
    const world = createWorld()
    const { run } = world.ask('main/m')
    run.onGone(new GatewayError('BIFROST_CLIENT_CLOSED'))
    assert.equal(world.clock.timerCount, 0)
    assert.equal(world.pool('main').last.cancelCount, 1)
    for (const failing of ['original', 'hedge'] as const) {
      const pair = startPair()
      pair[failing].fail('BIFROST_UPSTREAM_RESET')
      pair.run.onGone(new GatewayError('BIFROST_CLIENT_CLOSED'))
      assert.deepEqual([pair.original.cancelCount, pair.hedge.cancelCount], failing === 'original' ? [0, 1] : [1, 0])
      assert.equal(pair.run.record.attempts, 2)
      assert.equal(pair.run.record.target?.provider.name, failing === 'original' ? 'spare' : 'main')
    }
  })

  test('the client leaves in the middle of the winner\'s stream: it is cancelled', () => {
    const { run, original, hedge } = startPair({ stream: true })
    hedge.beginStream()
    run.onGone(new GatewayError('BIFROST_CLIENT_CLOSED'))
    assert.deepEqual([original.cancelCount, hedge.cancelCount], [1, 1])
  })

  test('the deadline cancels both', () => {
    const { world, client, run, original, hedge } = startPair({ headers: { 'x-bf-request-timeout': '0.5' } })
    world.clock.advance(300)
    run.onTick(world.clock.nowMs)
    assert.deepEqual(client.calls, ['fail'])
    assert.equal(client.error?.code, 'BIFROST_DEADLINE_EXCEEDED')
    assert.deepEqual([original.cancelCount, hedge.cancelCount], [1, 1])
    assert.equal(world.clock.timerCount, 0)
  })

  test('a hedge that waits in its queue leaves it when the original answers', () => {
    const world = createWorld()
    world.pool('spare').holds = true
    const { client, original, hedge } = startPair({}, world)
    original.reply()
    assert.equal(hedge.cancelCount, 1)
    assert.deepEqual(client.calls, ['answer'])
  })
})

describe('a hedge that cannot be', () => {
  test('refused by its pool, it never was: no record, no budget, no permit', () => {
    for (const refusal of [new GatewayError('BIFROST_REQUEST_DROPPED'), new RangeError('too many jobs')]) {
      const world = createWorld({}, { breaker })
      const spareBreaker = openBreaker(world, 'spare')
      world.clock.advance(2_000)
      world.pool('spare').refusal = refusal
      const { client, run } = world.ask('main/m')
      world.clock.advance(slowMs)
      assert.equal(world.health.of('main').hedgeBudget.allowsOne, true)
      assert.equal(spareBreaker.state, 'half_open')
      assert.equal(spareBreaker.tryAcquire(breaker, world.clock.nowMs, 0), 'probe')
      world.pool('main').last.reply()
      assert.deepEqual(client.calls, ['answer'])
      assert.deepEqual([outcomesOf(run), resultsOf(run)], [[], []])
    }
  })

  test('an original that is refused ends as ever, without a timer', () => {
    const world = createWorld({ fallbacks: { general: [], byModel: {}, contextLength: [], contentPolicy: [] } })
    world.pool('main').refusal = new GatewayError('BIFROST_REQUEST_DROPPED')
    const { client } = world.ask('main/m')
    assert.equal(client.error?.code, 'BIFROST_REQUEST_DROPPED')
    assert.equal(world.clock.timerCount, 0)
  })
})

describe('where a hedge goes', () => {
  const keys = ['one', 'two', 'three'].map((id) => createKey({ id, name: id, weight: id === 'one' ? 1 : 0 }))
  const mainJobs = (world: FakeWorld): number[] => world.pool('main').jobs.map(({ head }) => head.keyIndex)

  test('another key of the same provider comes first', () => {
    const world = createWorld({ keys: keys.slice(0, 2) })
    const { client, run } = world.ask('main/m')
    world.clock.advance(slowMs)
    assert.deepEqual(mainJobs(world), [0, 1])
    assert.equal(world.pool('spare').jobs.length, 0)
    world.pool('main').last.reply()
    assert.match(client.identity?.headers ?? '', /routing-info-key: two/)
    assert.equal(world.pool('main').jobs[0]?.cancelCount, 1)
    assert.deepEqual(resultsOf(run), ['main main won'])
  })

  test('keys that rest, are off or do not serve the model are left alone; then a fallback', () => {
    const others = [createKey({ id: 'resting', name: 'resting' }), createKey({ id: 'off', name: 'off', enabled: false }), createKey({ id: 'other', name: 'other', models: ['x'] })]
    const world = createWorld({ keys: [keys[0] as typeof others[0], ...others].map((key) => ({ ...key, weight: key.id === 'one' ? 1 : 0 })) })
    world.health.of('main').keyRests.rest('resting', 100_000, false, 0)
    world.ask('main/m')
    world.clock.advance(slowMs)
    assert.deepEqual(mainJobs(world), [0])
    assert.equal(world.pool('spare').jobs.length, 1)
  })

  test('a request with a pinned key hedges on fallbacks only', () => {
    const world = createWorld({ keys })
    world.ask('main/m', { headers: { 'x-bf-api-key': 'one' } })
    world.clock.advance(slowMs)
    assert.deepEqual(mainJobs(world), [0])
    assert.equal(world.pool('spare').jobs.length, 1)
  })

  test('the next fallback whose breaker permits; one that is not configured is passed over without a word', () => {
    const world = createWorld({}, { breaker })
    openBreaker(world, 'spare')
    const { client, run } = world.ask('main/m', { fallbacks: ['nobody/m', 'spare/m', 'third/m'] })
    world.clock.advance(slowMs)
    assert.deepEqual([...world.pools.values()].map(({ jobs }) => jobs.length), [1, 0, 1])
    world.pool('third').last.reply()
    assert.match(client.identity?.headers ?? '', /x-bifrost-fallback-index: 3\r\n/)
    assert.deepEqual(outcomesOf(run), [])
  })

  test('a key on which a hedge was refused is not the next key', () => {
    const world = createWorld({ keys: keys.slice(0, 2) })
    world.ask('main/m')
    world.clock.advance(slowMs)
    assert.deepEqual(mainJobs(world), [0, 1])
    world.pool('main').last.fail('BIFROST_UPSTREAM_STATUS', 401)
    world.pool('main').jobs[0]?.fail('BIFROST_UPSTREAM_STATUS', 401)
    assert.deepEqual(mainJobs(world), [0, 1])
    assert.equal(world.pool('spare').jobs.length, 1)
  })

  test('nowhere: the attempt goes on alone', () => {
    const world = createWorld({ fallbacks: { general: [], byModel: {}, contextLength: [], contentPolicy: [] } })
    const { client } = world.ask('main/m')
    world.clock.advance(5_000)
    world.pool('main').last.reply()
    assert.deepEqual(client.calls, ['answer'])
  })
})

test('when the client leaves in mid-stream, what was used is awaited from the attempt that streams', () => {
  for (const streams of ['original', 'hedge'] as const) {
    const pair = startPair({ stream: true })
    const { record } = pair.run
    pair[streams].beginStream()
    pair.run.onGone(new GatewayError('BIFROST_CLIENT_CLOSED'))
    assert.equal(record.awaitsUsage, true)
    pair[streams === 'hedge' ? 'original' : 'hedge'].fail('BIFROST_CLIENT_CLOSED')
    assert.equal(record.awaitsUsage, true)
    pair[streams].listener.onFailed(new GatewayError('BIFROST_CLIENT_CLOSED'), '', createUsage(3, 4), 500)
    assert.deepEqual([record.awaitsUsage, record.usage, record.upstreamMicroseconds], [false, createUsage(3, 4), 500])
  }
})

test('before anything has come there is nothing to wait for', () => {
  const { run } = startPair({ stream: true })
  run.onGone(new GatewayError('BIFROST_CLIENT_CLOSED'))
  assert.equal(run.record.awaitsUsage, false)
})
