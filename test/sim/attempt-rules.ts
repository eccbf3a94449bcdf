import type { GatewayError } from '../../src/errors.ts'
import type { BreakerState } from '../../src/router/breaker.ts'
import type { BreakerView, Note, ProviderWorld, World } from './world.ts'

export function viewOf (provider: ProviderWorld, model: string): BreakerView {
  let view = provider.breakers.get(model)
  if (view === undefined) provider.breakers.set(model, view = { state: 'closed', epoch: 0, openedAtMs: 0, failuresInARow: 0, probes: 0 })
  return view
}

/** The gateway says that a breaker has opened or closed. */
export function noteBreaker (world: World, provider: ProviderWorld, model: string, state: BreakerState): void {
  const view = viewOf(provider, model)
  view.state = state === 'closed' ? 'closed' : 'open'
  view.epoch++
  view.openedAtMs = world.nowMs
  view.failuresInARow = 0
  view.probes = 0
  world.note(`breaker of ${provider.settings.name}/${model} ${state}`)
}

/** A reply, or the first event of a stream. */
export function noteSuccess (note: Note): void {
  if (note.cancelled) return
  const view = viewOf(note.provider, note.model)
  if (view.epoch !== note.breakerEpoch) return
  if (note.breakerRole === 'probe') view.probes--
  if (note.breakerRole === 'normal') view.failuresInARow = 0
}

/** A failure on its way to the attempt's owner: what follows from it is known before the owner acts, what must have followed is checked after. */
export function noteFailure (world: World, note: Note, error: GatewayError, tellOwner: () => void): void {
  const { ask, provider, model, attempt } = note
  const concernsRequest = !note.cancelled && ask.ending === null
  if (concernsRequest && !ask.opened) {
    if (error.code === 'BIFROST_UPSTREAM_STATUS') replaceHops(note)
    const { ending, mood } = attempt?.script ?? { ending: null, mood: 'ok' }
    if (mood === 'rate_limited' && error.code === 'BIFROST_UPSTREAM_STATUS' && ending !== null && ending !== 'silence' && ending.hintMs >= 0) {
      provider.firmUntilMs[note.keyIndex] = Math.max(provider.firmUntilMs[note.keyIndex] ?? 0, world.nowMs + ending.hintMs)
    }
  }
  const view = viewOf(provider, model)
  const isCounted = concernsRequest && view.epoch === note.breakerEpoch
  if (isCounted && note.breakerRole === 'probe' && !ask.opened) view.probes--
  if (isCounted && note.breakerRole === 'normal' && view.state === 'closed' && isTargetsFault(note, error)) view.failuresInARow++
  tellOwner()
  const { breaker } = provider.settings
  world.check(breaker === null || view.state === 'open' || view.failuresInARow < breaker.requestsMin, 'as many failures in a row as the least number open the breaker',
    () => `${view.failuresInARow} in a row at ${provider.settings.name}/${model}, minimum_requests is ${breaker?.requestsMin}`, ask.id)
}

const connectionFaults = new Set(['BIFROST_UPSTREAM_RESET', 'BIFROST_UPSTREAM_CONNECT', 'BIFROST_UPSTREAM_BAD_RESPONSE', 'BIFROST_UPSTREAM_TRUNCATED', 'BIFROST_CONNECT_TIMEOUT',
  'BIFROST_RESPONSE_HEADER_TIMEOUT', 'BIFROST_FIRST_TOKEN_TIMEOUT', 'BIFROST_STREAM_IDLE_TIMEOUT', 'BIFROST_TOTAL_TIMEOUT'])

/** Failures that say something about the target: not its keys, not the request, not the first thread that was lost here. */
function isTargetsFault (note: Note, error: GatewayError): boolean {
  if (error.code === 'BIFROST_WORKER_LOST') return note.ask.notes.filter(({ hop, code }) => hop === note.hop && code === 'BIFROST_WORKER_LOST').length > 1
  if (error.code === 'BIFROST_UPSTREAM_STATUS') return error.status >= 500 && error.status !== 501
  return connectionFaults.has(error.code)
}

/** The primary's lists for context length and content policy take the place of what is left, once. */
function replaceHops ({ ask, attempt, hop }: Note): void {
  const mood = attempt?.script.mood
  if (ask.replaced || (mood !== 'context' && mood !== 'policy') || ask.specialHops === null) return
  const own = ask.specialHops[mood]
  if (own.length === 0) return
  ask.replaced = true
  ask.hops = [...ask.hops.slice(0, hop + 1), ...own]
}
