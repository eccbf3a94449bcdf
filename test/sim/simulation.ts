import { Gateway } from '../../src/gateway.ts'
import { Generation } from '../../src/reload/generation.ts'
import { Health } from '../../src/router/health.ts'
import { Identities } from '../../src/router/identity.ts'
import { noteBreaker } from './attempt-rules.ts'
import { Draw } from './draw.ts'
import { EventLog } from './event-log.ts'
import { drawScenario } from './scenario.ts'
import { SimThreads } from './sim-thread.ts'
import { startTraffic } from './traffic.ts'
import { VirtualClock } from './virtual-clock.ts'
import { WatchedPool } from './watched-pool.ts'
import { World } from './world.ts'
import type { ProviderWorld, Violation } from './world.ts'

/** How often the transport lets every request look at its deadline. */
const tickMs = 100
/** After the last request everything must be over within this time: the longest timeout and then some. */
const quietMsMax = 120_000
/** Events of one seed; more mean that something goes round in circles. */
const eventsMax = 5_000_000
/** A pool that has not closed after so many events never will. */
const closingTurnsMax = 100_000

export interface SimulationResult {
  seed: number
  requests: number
  attempts: number
  virtualMs: number
  events: number
  hash: string
  /** By how they ended for their clients. */
  endings: Record<string, number>
  /** By the code that they ended with. */
  codes: Record<string, number>
  breakerOpenings: number
  retries: number
  threadsLost: number
  violation: Violation | null
  /** The last events, oldest first. */
  last: string[]
}

/** One seed's world from its first request until nothing is going on any more. */
export async function simulate (seed: number): Promise<SimulationResult> {
  const clock = new VirtualClock()
  const log = new EventLog()
  const world = new World(drawScenario(seed), clock, new Draw(seed + 0x5eed), log)
  const counts = { breakerOpenings: 0, threadsLost: 0 }
  const gateway = createGateway(world, seed, counts)
  let doneAtMs = Infinity
  startTraffic(world, gateway, () => {
    doneAtMs = clock.nowMs
    clock.after(2_000, () => { world.isFaulty = false })
  })
  startTicks(world)
  while (world.violation === null && !isQuiet(world, doneAtMs)) {
    clock.step()
    checkWorld(world)
    world.check(clock.nowMs - doneAtMs < quietMsMax, 'everything ends', () => stillOpen(world), world.open.values().next().value?.id)
    world.check(log.events < eventsMax, 'a seed is over after so many events', () => String(log.events))
  }
  if (world.violation === null) await checkEnd(world)
  return {
    seed,
    requests: world.asks.length,
    attempts: world.attempts.length,
    virtualMs: clock.nowMs,
    events: log.events,
    hash: log.hash,
    endings: countBy(world.asks.map(({ ending }) => ending ?? 'open')),
    codes: countBy(world.asks.map(({ code }) => code)),
    ...counts,
    retries: world.providers.reduce((sum, { paidRetries }) => sum + paidRetries, 0),
    violation: world.violation,
    last: log.last()
  }
}

function createGateway (world: World, seed: number, counts: { breakerOpenings: number, threadsLost: number }): Gateway {
  const { clock, scenario } = world
  const { settings } = scenario
  const nowMs = (): number => clock.nowMs
  const jitter = new Draw(seed + 0x71e5)
  for (const [index, provider] of settings.providers.entries()) {
    const own: Partial<ProviderWorld> = {
      settings: provider,
      plan: scenario.plans[index],
      threads: new Set(),
      live: new Set(),
      waiting: 0,
      running: 0,
      ringFullAtMs: -Infinity,
      firmUntilMs: [],
      breakers: new Map(),
      entries: 0,
      paidRetries: 0
    }
    const one = own as ProviderWorld
    one.pool = new WatchedPool(world, one, {
      settings: provider,
      dropExcess: settings.client.dropExcessRequests,
      initialPoolSize: settings.client.initialPoolSize,
      nowMs,
      onQueueWait: () => {},
      onThreadEnd: () => { counts.threadsLost++ },
      createThreads: () => new SimThreads(world, one),
      setTimer: (run, waitMs) => clock.after(waitMs, run, 'pool')
    })
    world.providers.push(one)
  }
  return new Gateway(new Generation(settings, new Map(world.providers.map(({ settings: { name }, pool }) => [name, pool]))), {
    health: new Health(),
    identities: new Identities(),
    nowMs,
    nowEpochMs: () => world.nowEpochMs,
    random: new Draw(seed + 0xdec1de).random,
    // Real timers come a little early or late.
    setTimer: (run, waitMs) => clock.after(waitMs + jitter.between(-1, 3), run, 'gateway'),
    onFlightJoined: () => {},
    onBreakerChange: ({ provider, requestedModel }, state) => {
      if (state === 'open') counts.breakerOpenings++
      noteBreaker(world, world.providers.find(({ settings: { name } }) => name === provider.name) as ProviderWorld, requestedModel, state)
    }
  })
}

/** The transport's sweep, and what can only be seen over time. */
function startTicks (world: World): void {
  const { clock } = world
  const tick = (): void => {
    clock.after(tickMs, tick)
    const { nowMs } = clock
    for (const ask of world.open) {
      world.check(ask.opened || nowMs - ask.deadlineMs < 1.5 * tickMs, 'a request that has no answer ends at its deadline', () => `${nowMs - ask.deadlineMs} ms after it`, ask.id)
      ask.run?.onTick(nowMs)
    }
    for (const provider of world.providers) {
      for (const attempt of provider.live) {
        const { note: { ask, cancelledAtMs }, thread, paused, pausedAtMs } = attempt
        if (thread.stuck) continue
        const isOrphan = (ask.endedAtMs >= 0 && nowMs - ask.endedAtMs > 2 * tickMs) || (cancelledAtMs >= 0 && nowMs - cancelledAtMs > 2 * tickMs)
        world.check(!isOrphan, 'the upstream stops when nobody waits for it', () => `${nowMs - ask.endedAtMs} ms after the end of the request: ${ask.ending}`, ask.id)
        world.check(!paused || ask.heldBytes > 0 || nowMs - Math.max(pausedAtMs, ask.takenAtMs) < 2 * tickMs, 'a stream goes on when its client has taken all', () => `paused for ${nowMs - pausedAtMs} ms`, ask.id)
      }
    }
  }
  clock.after(tickMs, tick)
}

/** After every event: the pools' figures are those of the attempts, and within their bounds. */
function checkWorld (world: World): void {
  const { nowMs, scenario: { settings: { client: { dropExcessRequests } } } } = world
  for (const { settings, pool, waiting, running, threads, ringFullAtMs } of world.providers) {
    const concurrency = Math.min(settings.concurrency, settings.connectionsPerOrigin)
    world.check(running <= concurrency, 'no more than concurrency run', () => `${running} at ${settings.name}, allowed are ${concurrency}`)
    world.check(!dropExcessRequests || running + waiting <= concurrency + settings.bufferSize, 'no more wait than the buffer holds', () => `${waiting} at ${settings.name}`)
    const used = pool.jobSlots.used
    if (pool.inFlight !== running || pool.queueDepth + pool.queueBlocked !== waiting || used !== running + waiting) {
      world.violate('the pool counts what there is', `in flight ${pool.inFlight}, waiting ${pool.queueDepth + pool.queueBlocked}, slots ${used} at ${settings.name}; there are ${running} and ${waiting}`)
    }
    if (waiting === 0 || running >= concurrency || nowMs - ringFullAtMs < 2) continue
    let isIdle = false
    for (const thread of threads) isIdle ||= thread.ready
    world.check(!isIdle, 'nobody waits while there is room and a thread', () => `${waiting} wait at ${settings.name}, ${running} of ${concurrency} run`)
  }
}

function isQuiet ({ open, providers, clock, isFaulty, scenario }: World, doneAtMs: number): boolean {
  if (doneAtMs === Infinity || open.size > 0 || (isFaulty && !scenario.calm && clock.nowMs < doneAtMs + 2_000)) return false
  return providers.every(({ live, waiting, running }) => live.size === 0 && waiting === 0 && running === 0)
}

/** Nothing is left behind: no timer, no slot, no thread. */
async function checkEnd (world: World): Promise<void> {
  const { clock, providers } = world
  world.check(clock.pending.gateway === 0, 'no timer of a request is left', () => `${clock.pending.gateway} timers`)
  const closing = new Set(providers)
  for (const provider of providers) void provider.pool.close().then(() => closing.delete(provider))
  for (let turn = 0; closing.size > 0 && turn < closingTurnsMax; turn++) {
    clock.step()
    // Lets the pools' promises go on.
    await null
    await null
    await null
  }
  world.check(closing.size === 0, 'every pool closes', () => `${closing.size} do not`)
  const threads = providers.reduce((sum, provider) => sum + provider.threads.size, 0)
  world.check(threads === 0, 'no thread is left', () => `${threads} threads`)
  // A new thread may be due; its timer finds the pool closed.
  const untilMs = clock.nowMs + 10_000
  while (clock.nowMs < untilMs && clock.step()) checkWorld(world)
  world.check(clock.pending.pool === 0, 'no timer of a pool is left', () => `${clock.pending.pool} timers`)
}

function stillOpen ({ open, providers }: World): string {
  return `open requests ${[...open].slice(0, 5).map(({ id }) => id).join(', ') || 'none'}; ${providers.map(({ settings: { name }, waiting, running, live }) => `${name}: ${waiting} wait, ${running} run, ${live.size} at the upstream`).join('; ')}`
}

function countBy (names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1
  return counts
}
