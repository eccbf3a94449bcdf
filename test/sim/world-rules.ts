import { mayAnyStart, waitingMaxOf } from './queue-rules.ts'
import { concurrencyOf } from './world.ts'
import type { ProviderWorld, World } from './world.ts'

/** A pool that has not closed after so many events never will. */
const closingTurnsMax = 100_000
/** After the last request: by then threads of another size have taken over, and pools of removed providers have closed. */
const settlingMs = 30_000

/** After every event: the pools' figures are those of the attempts, and within their bounds. */
export function checkWorld (world: World): void {
  for (const provider of world.providers) if (provider.state !== 'closed') checkPool(world, provider)
}

function checkPool (world: World, provider: ProviderWorld): void {
  const { settings, name, pool, queued, running, ringFullAtMs } = provider
  const concurrency = concurrencyOf(settings)
  const all = running.size + queued.size
  provider.runningMax = Math.max(concurrency, Math.min(provider.runningMax, running.size))
  provider.waitingMax = Math.max(waitingMaxOf(provider, running.size, 'high'), Math.min(provider.waitingMax, queued.size))
  if (all === 0) provider.hasMixedLanes = false
  world.check(running.size <= provider.runningMax, 'no more than concurrency run', () => `${running.size} at ${name}, allowed are ${provider.runningMax}`)
  world.check(queued.size <= provider.waitingMax, 'no more wait than the buffer holds', () => `${queued.size} at ${name}, allowed are ${provider.waitingMax}`)
  const used = pool.jobSlots.used
  if (pool.inFlight !== running.size || pool.queueDepth + pool.queueBlocked !== queued.size || used !== all) {
    world.violate('the pool counts what there is', `in flight ${pool.inFlight}, waiting ${pool.queueDepth + pool.queueBlocked}, slots ${used} at ${name}; there are ${running.size} and ${queued.size}`)
  }
  if (queued.size === 0 || running.size >= concurrency || world.nowMs - ringFullAtMs < 2) return
  const isIdle = pool.liveThreads().some(({ ready }) => ready) && mayAnyStart(provider)
  world.check(!isIdle, 'nobody waits while there is room and a thread', () => `${queued.size} wait at ${name}, ${running.size} of ${concurrency} run`)
}

/** Nothing is left behind: no timer, no slot, no thread, no generation. */
export async function checkEnd (world: World): Promise<void> {
  const { clock, generations, providers } = world
  world.check(clock.pending.gateway === 0, 'no timer of a request is left', () => `${clock.pending.gateway} timers`)
  if (world.scenario.features.reloads) await checkSettled(world)
  const isClosed = (): boolean => providers.every(({ state }) => state === 'closed')
  void generations.close()
  for (let turn = 0; !isClosed() && turn < closingTurnsMax; turn++) {
    clock.step()
    await settle()
  }
  world.check(isClosed(), 'every pool closes', () => providers.filter(({ state }) => state !== 'closed').map(({ name }) => name).join(', '))
  const threads = providers.reduce((sum, provider) => sum + provider.threads.size, 0)
  world.check(threads === 0, 'no thread is left', () => `${threads} threads`)
  // A new thread may be due; its timer finds the pool closed.
  const untilMs = clock.nowMs + 10_000
  while (clock.nowMs < untilMs && clock.step()) checkWorld(world)
  world.check(clock.pending.pool === 0, 'no timer of a pool is left', () => `${clock.pending.pool} timers`)
}

/** What reloads left behind goes by itself: older generations, pools of removed providers, threads of another size. */
async function checkSettled (world: World): Promise<void> {
  const { clock, generations, settings, providers } = world
  const untilMs = clock.nowMs + settlingMs
  while (clock.nowMs < untilMs && clock.step()) {
    checkWorld(world)
    await settleIfDue(world)
  }
  const { live } = generations as unknown as { live: Set<unknown> }
  world.check(live.size === 1 && live.has(generations.current), 'only the current generation is left', () => `${live.size} generations`)
  const names = settings.providers.map(({ name }) => name).sort().join(', ')
  const open = providers.filter(({ state }) => state !== 'closed')
  world.check(open.map(({ name }) => name).sort().join(', ') === names && open.every(({ state }) => state === 'open'), 'pools of removed providers close', () => `left are ${open.map(({ name, state }) => `${name} ${state}`).join(', ')}, configured ${names}`)
  for (const { name, threads, settings: { threads: wanted } } of open) {
    const ready = [...threads].filter((thread) => thread.ready).length
    // A pool without a request has not started any.
    world.check(threads.size === 0 || (threads.size === wanted && ready === wanted), 'only threads of the current settings are left', () => `${threads.size} at ${name}, ${ready} of them ready, configured are ${wanted}`)
  }
}

/** Lets promises go on where something has ended that they may wait for; only reloads make any while requests come. */
export async function settleIfDue (world: World): Promise<void> {
  if (!world.unsettled || !world.scenario.features.reloads) return
  world.unsettled = false
  await settle()
}

function settle (): Promise<void> {
  return new Promise((resolve) => { setImmediate(resolve) })
}
