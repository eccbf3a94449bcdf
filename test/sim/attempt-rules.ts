import type { GatewayError } from '../../src/errors.ts'
import type { BreakerState } from '../../src/router/breaker.ts'
import type { Target } from '../../src/router/target.ts'
import { isLive } from './world.ts'
import type { BreakerView, HealthView, Note, World } from './world.ts'

export function viewOf ({ breakers }: HealthView, model: string): BreakerView {
  let view = breakers.get(model)
  if (view === undefined) breakers.set(model, view = { state: 'closed', epoch: 0, openedAtMs: 0, openMs: 0, failuresInARow: 0, probes: 0 })
  return view
}

/** The gateway says that a breaker has opened or closed. */
export function noteBreaker (world: World, { provider, requestedModel: model }: Target, state: BreakerState): void {
  const view = viewOf(world.health(provider.name), model)
  if (state === 'open') world.counts.breakerOpenings++
  view.state = state === 'closed' ? 'closed' : 'open'
  view.epoch++
  view.openedAtMs = world.nowMs
  view.openMs = provider.breaker?.openMs ?? 0
  view.failuresInARow = 0
  view.probes = 0
  world.note(`breaker of ${provider.name}/${model} ${state}`)
}

/** A reply, or the first event of a stream, on its way to the attempt's owner. Of two attempts at once it ends the other one in the same turn. */
export function noteSuccess (world: World, note: Note, tellOwner: () => void): void {
  const { partner, provider, ask } = note
  if (!note.cancelled) {
    note.answered = true
    const health = world.health(provider.name)
    health.answers++
    // How long the slower one took at least is learned as well.
    if (note.isHedge && partner !== null) world.health(partner.provider.name).answers++
    const view = viewOf(health, note.model)
    if (view.epoch === note.breakerEpoch) {
      if (note.breakerRole === 'probe') view.probes--
      if (note.breakerRole === 'normal') view.failuresInARow = 0
    }
  }
  tellOwner()
  world.check(!note.answered || partner === null || !isLive(partner), 'of two attempts the slower one is cancelled at once', () => `at ${partner?.provider.name}`, ask.id)
}

/** A failure on its way to the attempt's owner: what follows from it is known before the owner acts, what must have followed is checked after. */
export function noteFailure (world: World, note: Note, error: GatewayError, tellOwner: () => void): void {
  const { ask, provider: { name }, model, attempt } = note
  const health = world.health(name)
  const concernsRequest = !note.cancelled && ask.ending === null
  if (concernsRequest && !ask.opened) {
    replaceHops(note)
    const { ending, mood } = attempt?.script ?? { ending: null, mood: 'ok' }
    if (mood === 'rate_limited' && error.code === 'BIFROST_UPSTREAM_STATUS' && ending !== null && ending !== 'silence' && ending.hintMs >= 0) {
      const id = note.settings.keys[note.keyIndex]?.id ?? ''
      health.firmUntilMs.set(id, Math.max(health.firmUntilMs.get(id) ?? 0, world.nowMs + ending.hintMs))
    }
  }
  const view = viewOf(health, model)
  const isCounted = concernsRequest && view.epoch === note.breakerEpoch
  if (isCounted && note.breakerRole === 'probe' && !ask.opened) view.probes--
  const isFault = isCounted && note.breakerRole === 'normal' && view.state === 'closed' && isTargetsFault(note, error)
  if (isFault) view.failuresInARow++
  tellOwner()
  const { breaker } = note.settings
  // Others may have had other settings; what they allowed stays allowed until the next failure.
  world.check(!isFault || breaker === null || view.state === 'open' || view.failuresInARow < breaker.requestsMin, 'as many failures in a row as the least number open the breaker',
    () => `${view.failuresInARow} in a row at ${name}/${model}, minimum_requests is ${breaker?.requestsMin}`, ask.id)
}

const connectionFaults = new Set(['BIFROST_UPSTREAM_RESET', 'BIFROST_UPSTREAM_CONNECT', 'BIFROST_UPSTREAM_BAD_RESPONSE', 'BIFROST_UPSTREAM_TRUNCATED', 'BIFROST_CONNECT_TIMEOUT',
  'BIFROST_RESPONSE_HEADER_TIMEOUT', 'BIFROST_FIRST_TOKEN_TIMEOUT', 'BIFROST_STREAM_IDLE_TIMEOUT', 'BIFROST_TOTAL_TIMEOUT'])

/** Failures that say something about the target: not its keys, not the request, not the first thread that was lost here. */
function isTargetsFault (note: Note, error: GatewayError): boolean {
  if (error.code === 'BIFROST_WORKER_LOST') return hasLostBefore(note)
  if (error.code === 'BIFROST_UPSTREAM_STATUS') return error.status >= 500 && error.status !== 501
  return connectionFaults.has(error.code)
}

/** What two attempts at once lose is one loss, the original's. */
function hasLostBefore (note: Note): boolean {
  const original = originalOf(note)
  return note.ask.notes.some((other) => other !== original && !other.isHedge && other.hop === original.hop && other.code === 'BIFROST_WORKER_LOST')
}

function originalOf (note: Note): Note {
  return note.isHedge && note.partner !== null ? note.partner : note
}

/** The primary's lists for context length and content policy take the place of what is left, once, when nobody is under way any more. */
export function replaceHops (note: Note): void {
  const { ask, partner } = note
  const { attempt, hop, code } = originalOf(note)
  const mood = attempt?.script.mood
  if (code !== 'BIFROST_UPSTREAM_STATUS' || (partner !== null && isLive(partner)) || ask.replaced || (mood !== 'context' && mood !== 'policy') || ask.specialHops === null) return
  const own = ask.specialHops[mood]
  if (own.length === 0) return
  ask.replaced = true
  ask.hops = [...ask.hops.slice(0, hop + 1), ...own]
}
