import { createGateway } from './create-gateway.ts'
import { Draw } from './draw.ts'
import { EventLog } from './event-log.ts'
import { startReloads } from './reloads.ts'
import { drawScenario } from './scenario.ts'
import { startTraffic } from './traffic.ts'
import { VirtualClock } from './virtual-clock.ts'
import { checkEnd, checkWorld, settleIfDue } from './world-rules.ts'
import { World } from './world.ts'
import type { Violation } from './world.ts'

/** How often the transport lets every request look at its deadline. */
const tickMs = 100
/** After the last request everything must be over within this time: the longest timeout and then some. */
const quietMsMax = 120_000
/** Events of one seed; more mean that something goes round in circles. */
const eventsMax = 5_000_000

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
  hedges: number
  /** Jobs that others took the place of. */
  displaced: number
  reloads: number
  violation: Violation | null
  /** The last events, oldest first. */
  last: string[]
}

/** One seed's world from its first request until nothing is going on any more. */
export async function simulate (seed: number): Promise<SimulationResult> {
  const clock = new VirtualClock()
  const log = new EventLog()
  const world = new World(drawScenario(seed), clock, new Draw(seed + 0x5eed), log)
  const gateway = createGateway(world, seed)
  let doneAtMs = Infinity
  startTraffic(world, gateway, () => {
    doneAtMs = clock.nowMs
    clock.after(2_000, () => { world.isFaulty = false })
  })
  startReloads(world, seed, () => doneAtMs < Infinity)
  startTicks(world)
  while (world.violation === null && !isQuiet(world, doneAtMs)) {
    clock.step()
    checkWorld(world)
    await settleIfDue(world)
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
    ...world.counts,
    violation: world.violation,
    last: log.last()
  }
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

function isQuiet ({ open, providers, clock, isFaulty, scenario }: World, doneAtMs: number): boolean {
  if (doneAtMs === Infinity || open.size > 0 || (isFaulty && !scenario.calm && clock.nowMs < doneAtMs + 2_000)) return false
  return providers.every(({ live, queued, running }) => live.size === 0 && queued.size === 0 && running.size === 0)
}

function stillOpen ({ open, providers }: World): string {
  return `open requests ${[...open].slice(0, 5).map(({ id }) => id).join(', ') || 'none'}; ${providers.map(({ name, queued, running, live }) => `${name}: ${queued.size} wait, ${running.size} run, ${live.size} at the upstream`).join('; ')}`
}

function countBy (names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1
  return counts
}
