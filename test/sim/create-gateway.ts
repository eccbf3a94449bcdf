import type { ProviderSettings, Settings } from '../../src/api/settings.ts'
import { Gateway } from '../../src/gateway.ts'
import { Generations } from '../../src/reload/generations.ts'
import { Health } from '../../src/router/health.ts'
import { Identities } from '../../src/router/identity.ts'
import { noteBreaker } from './attempt-rules.ts'
import { Draw } from './draw.ts'
import type { ProviderPlan } from './scenario.ts'
import { SimThreads } from './sim-thread.ts'
import { WatchedPool } from './watched-pool.ts'
import { concurrencyOf } from './world.ts'
import type { ProviderWorld, World } from './world.ts'

/** Wires the gateway as the process does, with threads and time of this world. */
export function createGateway (world: World, seed: number): Gateway {
  const { clock, scenario } = world
  const jitter = new Draw(seed + 0x71e5)
  const health = new Health()
  world.generations = new Generations<WatchedPool>(scenario.settings, {
    createPool: (provider, settings) => createPool(world, provider, settings),
    onPoolGone: (name) => {
      health.forget(name)
      world.healths.delete(name)
      world.note(`forget ${name}`)
    },
    onPublished: (generation) => { gateway.generation = generation }
  })
  const gateway = new Gateway(world.generations.current, {
    health,
    identities: new Identities(),
    nowMs: () => clock.nowMs,
    nowEpochMs: () => world.nowEpochMs,
    random: new Draw(seed + 0xdec1de).random,
    // Real timers come a little early or late.
    setTimer: (run, waitMs) => clock.after(waitMs + jitter.between(-1, 3), run, 'gateway'),
    onFlightJoined: () => {},
    onBreakerChange: (target, state) => { noteBreaker(world, target, state) },
    costUsd: () => null
  })
  return gateway
}

function createPool (world: World, settings: ProviderSettings, { client }: Settings): WatchedPool {
  const { clock, scenario, counts } = world
  const place = scenario.settings.providers.findIndex(({ name }) => name === settings.name)
  const own: Omit<ProviderWorld, 'pool'> = {
    name: settings.name,
    settings,
    dropExcess: client.dropExcessRequests,
    plan: scenario.plans[place] as ProviderPlan,
    threads: new Set(),
    live: new Set(),
    queued: new Set(),
    running: new Set(),
    submitting: null,
    ringFullAtMs: -Infinity,
    runningMax: concurrencyOf(settings),
    waitingMax: 0,
    hasMixedLanes: false,
    state: 'open'
  }
  const provider = own as ProviderWorld
  provider.pool = new WatchedPool(world, provider, {
    settings,
    dropExcess: client.dropExcessRequests,
    initialPoolSize: client.initialPoolSize,
    nowMs: () => clock.nowMs,
    onQueueWait: () => {},
    onThreadEnd: () => { counts.threadsLost++ },
    createThreads: () => new SimThreads(world, provider),
    setTimer: (run, waitMs) => clock.after(waitMs, run, 'pool')
  })
  world.providers.push(provider)
  return provider.pool
}
