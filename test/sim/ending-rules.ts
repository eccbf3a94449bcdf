import type { ErrorCode } from '../../src/errors.ts'
import type { TrailEntry } from '../../src/router/trail.ts'
import { checkHedgeResults, countedAttempts, hasFailedElsewhere, isAbandoned } from './hedge-rules.ts'
import type { Check } from './submit-rules.ts'
import type { Ask, Note, World } from './world.ts'

/** An attempt for which less time is left is not started. */
const attemptMsMin = 10
/** So many threads may end under a request before it is given up. */
const lossesMax = 3

/** What must hold when a request is over: its trail says what its upstreams saw, and no target was left out. */
export function checkEnding (world: World, ask: Ask): void {
  const { record } = ask.run as NonNullable<Ask['run']>
  const trail = record.plan?.trail ?? []
  const check = (holds: boolean, rule: string, detail: () => string): void => { world.check(holds, rule, detail, ask.id) }
  check(record.settled, 'a request is settled when it ends', () => String(ask.ending))
  check(record.outcome === ask.code, 'the record says how it ended', () => `${record.outcome}, the client saw ${ask.code}`)
  check(record.attempts === countedAttempts(ask), 'every attempt is counted', () => `${record.attempts} of ${countedAttempts(ask)}`)
  checkHedgeResults(ask, record, check)
  checkTrail(ask, trail, check)
  const answered = ask.notes.filter((note) => note.answered)
  if (ask.ending === 'answered' || ask.ending === 'closed') check(answered.length === 1 && answered[0]?.code === 'ok', 'a good ending is that of the attempt that answered', () => answered.map(({ code }) => code).join(', '))
  if (ask.ending === 'failed' && !ask.opened) checkFailure(world, ask, trail, check)
  if (world.scenario.calm && ask.ending === 'failed') world.violate('where nothing goes wrong every request is answered', `${ask.code} after ${world.nowMs - ask.receivedAtMs} ms`, ask.id)
}

/** Every failed attempt stands in the trail, in order, and nothing else but what was passed over. */
function checkTrail (ask: Ask, trail: readonly TrailEntry[], check: Check): void {
  // A hedge that the pool did not take never was.
  const failed = ask.notes.filter((note) => codeInTrail(note) !== null && !(note.isHedge && note.refused)).sort((one, other) => one.conclusion - other.conclusion)
  const tried = trail.filter((entry) => entry.target !== null)
  // Who leaves, or whose time is over, ends what is under way without an entry; one that was given up before has its own.
  const told = failed.filter((note) => !isAbandoned(note))
  const expected = tried.length === told.length ? told : failed
  const wanted = expected.map((note) => `${note.hop} ${note.provider.name} ${note.settings.keys[note.keyIndex]?.name} ${codeInTrail(note)}`).join('; ')
  const found = tried.map(({ target, fallbackIndex, error }) => `${fallbackIndex} ${target?.provider.name} ${target?.key.name} ${error?.code}`).join('; ')
  check(wanted === found, 'the trail tells every failed attempt', () => `it says ${found || 'nothing'}, there were ${wanted || 'none'}`)
}

/** @returns null for an attempt that did not fail, or that is still under way */
function codeInTrail ({ code, cancelled, outpaced }: Note): ErrorCode | null {
  if (outpaced) return null
  if (cancelled) return 'BIFROST_TOTAL_TIMEOUT'
  return code === '' || code === 'ok' ? null : code
}

/** A request fails only when every target was tried or could not be, and with what its first target said. */
function checkFailure (world: World, ask: Ask, trail: readonly TrailEntry[], check: Check): void {
  const isOver = world.nowMs + attemptMsMin > ask.deadlineMs
  check(ask.code !== 'BIFROST_DEADLINE_EXCEEDED' || isOver, 'no request fails for its deadline before it', () => `${ask.deadlineMs - world.nowMs} ms before`)
  const losses = ask.notes.filter(({ code }) => code === 'BIFROST_WORKER_LOST').length
  if (!ask.isServed) {
    return check(ask.notes.length === 0 && ask.code === 'BIFROST_UNKNOWN_PROVIDER', 'a request for a provider that is removed is refused', () => `${ask.code} after ${ask.notes.length} attempts`)
  }
  if (isOver || losses >= lossesMax || record(ask).plan === null) return
  // Where a hedge has failed nobody is asked again.
  const failedHedges = ask.notes.filter(hasFailedElsewhere).map(({ provider, model }) => `${provider.name}/${model}`)
  const missing = ask.hops.filter((name, index) => !trail.some((entry) => entry.fallbackIndex === index) && !failedHedges.includes(name))
  check(missing.length === 0, 'a request fails only when nobody is left to ask', () => `not asked: ${missing.join(', ')}`)
  check(trail.some((entry) => entry.fallbackIndex === 0 && entry.error?.code === ask.code), 'a request fails with what its first target said', () => ask.code)
}

function record (ask: Ask): NonNullable<Ask['run']>['record'] {
  return (ask.run as NonNullable<Ask['run']>).record
}
