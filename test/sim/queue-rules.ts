import { priorities } from '../../src/api/job.ts'
import type { Priority } from '../../src/api/job.ts'
import { concurrencyOf } from './world.ts'
import type { Note, ProviderWorld, World } from './world.ts'

/** From then on the newest goes first. */
const newestFirstAfterMs = 500

const rankOf = ({ ask }: Note): number => priorities.indexOf(ask.priority)

/** How many may wait while so many run: those that only wait for a thread beside those that the buffer holds for this priority. */
export function waitingMaxOf ({ settings, dropExcess }: ProviderWorld, running: number, priority: Priority): number {
  if (!dropExcess) return Infinity
  return Math.max(0, concurrencyOf(settings) - running) + (priority === 'low' ? settings.bufferSize / 2 : settings.bufferSize)
}

/** A job has left the queue for a thread: it was its turn, and its limits allow it. Called before it counts as running. */
export function checkTurn (world: World, note: Note): void {
  const { provider, ask } = note
  const { nowMs } = world
  const { adaptiveConcurrency } = provider.settings
  world.check(nowMs < ask.deadlineMs + 1e-6, 'a job past its deadline is not sent', () => `${nowMs - ask.deadlineMs} ms past it`, ask.id)
  if (provider.hasMixedLanes) return
  if (adaptiveConcurrency !== null) checkModelLimit(world, note)
  const mates = [...provider.queued].filter((other) => rankOf(other) === rankOf(note) && (adaptiveConcurrency === null || other.upstreamModel === note.upstreamModel))
  const [oldest] = mates
  const next = oldest !== undefined && nowMs - oldest.submittedAtMs > newestFirstAfterMs ? mates.at(-1) : oldest
  world.check(next === note, 'who came first goes first, and who came last once the oldest has waited for long', () => `${ask.id} goes before ${next?.ask.id}, the oldest has waited for ${nowMs - (oldest?.submittedAtMs ?? 0)} ms`, ask.id)
  for (const other of provider.queued) {
    if (rankOf(other) >= rankOf(note)) continue
    const isHeld = adaptiveConcurrency !== null && other.upstreamModel !== note.upstreamModel && !hasModelRoom(other)
    world.check(isHeld, 'a higher priority goes first', () => `${note.ask.priority} ${ask.id} goes before ${other.ask.priority} ${other.ask.id}`, ask.id)
  }
}

function checkModelLimit (world: World, { provider, upstreamModel, ask }: Note): void {
  const { settings } = provider
  const limit = limitOf(provider, upstreamModel)
  const running = runningOf(provider, upstreamModel) + 1
  world.check(running <= limit, 'no more than its limit run of a model', () => `${running} of ${upstreamModel} at ${provider.name}, allowed are ${limit}`, ask.id)
  const floor = Math.min(settings.adaptiveConcurrency?.concurrencyMin ?? 0, concurrencyOf(settings))
  world.check(limit >= floor && limit <= concurrencyOf(settings), 'the limit of a model stays within its bounds', () => `${limit}, from ${floor} to ${concurrencyOf(settings)}`, ask.id)
}

/** @returns 0 for a model that has no limit of its own */
function limitOf ({ pool }: ProviderWorld, model: string): number {
  return pool.readLanes().find((lane) => lane.model === model)?.limit ?? 0
}

function runningOf ({ running }: ProviderWorld, model: string): number {
  let count = 0
  for (const { upstreamModel } of running) if (upstreamModel === model) count++
  return count
}

function hasModelRoom ({ provider, upstreamModel }: Note): boolean {
  return runningOf(provider, upstreamModel) < limitOf(provider, upstreamModel)
}

/** Somebody waits who could run if there is a thread. Where models have limits of their own, it depends on who waits. */
export function mayAnyStart ({ settings, queued, hasMixedLanes }: ProviderWorld): boolean {
  if (settings.adaptiveConcurrency === null) return true
  if (hasMixedLanes) return false
  for (const note of queued) if (hasModelRoom(note)) return true
  return false
}

/** A low one must leave room for others. Called when the pool has taken it. */
export function checkTaken (world: World, { provider, ask }: Note, before: { waiting: number, running: number }): void {
  if (ask.priority !== 'low') return
  world.check(before.waiting + 1 <= waitingMaxOf(provider, before.running, 'low'), 'low priorities fill half of the queue', () => `${before.waiting} waited and ${before.running} ran at ${provider.name} before ${ask.id}`, ask.id)
}

/** The pool has refused a job: there is no room for it, and nobody whose place it could have. Called without it in the queue. */
export function checkRefused (world: World, note: Note): void {
  checkFull(world, note, note)
  const lower = [...note.provider.queued].find((other) => rankOf(other) > rankOf(note))
  world.check(lower === undefined, 'who has a higher priority is not dropped in place of a lower one', () => `${note.ask.priority} ${note.ask.id} is dropped, ${lower?.ask.priority} ${lower?.ask.id} waits`, note.ask.id)
}

/** A queued job was dropped for another one. Called with both in the queue. */
export function checkDisplaced (world: World, note: Note): void {
  const { provider, ask } = note
  const { submitting } = provider
  if (submitting === null) return world.violate('a queued job is dropped only for a higher priority', 'nobody comes', ask.id)
  world.counts.displaced++
  checkFull(world, submitting, note)
  world.check(rankOf(note) > rankOf(submitting), 'a queued job is dropped only for a higher priority', () => `${ask.priority} for ${submitting.ask.priority} ${submitting.ask.id}`, ask.id)
  for (const other of provider.queued) {
    const isBetter = rankOf(other) > rankOf(note) || (rankOf(other) === rankOf(note) && other.submittedAtMs > note.submittedAtMs)
    world.check(!isBetter, 'the newest of the lowest priority is dropped', () => `${ask.priority} ${ask.id} in place of ${other.ask.priority} ${other.ask.id}`, ask.id)
  }
}

/** @param taken whose coming finds no room @param dropped who is counted no more, or not yet */
function checkFull (world: World, coming: Note, dropped: Note): void {
  const { provider } = coming
  const { settings, dropExcess } = provider
  world.check(dropExcess, 'nothing is dropped where it may wait', () => `at ${provider.name}`, dropped.ask.id)
  const waiting = provider.queued.size - (provider.queued.has(dropped) ? 1 : 0)
  const isFull = settings.adaptiveConcurrency === null
    ? waiting + 1 > waitingMaxOf(provider, provider.running.size, coming.ask.priority)
    // Those whose model is at its limit fill the buffer even while others may run.
    : waiting + 1 > waitingMaxOf(provider, Infinity, coming.ask.priority)
  world.check(isFull, 'nothing is dropped while there is room', () => `${provider.running.size} run and ${waiting} wait at ${provider.name}`, dropped.ask.id)
}
