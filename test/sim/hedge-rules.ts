import type { RequestRecord } from '../../src/request-record.ts'
import type { Check } from './submit-rules.ts'
import type { Ask, Note, World } from './world.ts'

/** A timer may come this much early. */
const slackMs = 5

/** A second attempt beside one that is under way: what allows it. */
export function checkHedge (world: World, hedge: Note, live: readonly Note[], check: Check): void {
  const original = live[0] as Note
  const { ask, submittedAtMs: nowMs } = hedge
  const { hedging, name } = original.settings
  const health = world.health(name)
  check(live.length === 1, 'two attempts at a time at most', () => `${live.length} are under way`)
  check(hedging !== null && !original.isHedge && original.partner === null, 'one attempt at a time, but for one hedge where hedging is on', () => `beside ${name}, which is ${original.state}`)
  original.partner = hedge
  if (hedging === null) return
  const runsMs = original.state === 'running' ? nowMs - original.dispatchedAtMs : -1
  check(runsMs >= hedging.delayMinMs - slackMs, 'a hedge comes when the original has been upstream for a while', () => `for ${runsMs} ms, delay_min is ${hedging.delayMinMs} ms`)
  check(health.answers >= hedging.requestsMin, 'a hedge comes only when it is known what slow means', () => `${health.answers} answers, minimum_requests is ${hedging.requestsMin}`)
  check(health.hedges + 1 <= health.earnedHedges + 1e-6, 'hedges stay within the hedge budget', () => `${health.hedges + 1} of ${health.earnedHedges.toFixed(1)} at ${name}`)
  check(hedge.hop > original.hop || (hedge.hop === original.hop && hedge.keyIndex !== original.keyIndex), 'a hedge goes to another key or to a later target', () => `hop ${hedge.hop} beside ${original.hop}`)
  check(hedge.hop > original.hop || hedge.hop > 0 || ask.pin === null, 'a request with a pinned key has no hedge on its target', () => String(ask.pin))
  if (hedge.hop !== original.hop) checkPassed(hedge, check)
}

/** Where a hedge has failed, later steps of the request pass by. */
export function checkPassed ({ ask, provider: { name }, model }: Note, check: Check): void {
  const failed = ask.notes.some((other) => hasFailedElsewhere(other) && other.provider.name === name && other.model === model)
  check(!failed, 'a target on which a hedge has failed is not asked again', () => `${name}/${model}`)
}

/** The pool has taken it. */
export function noteHedge (world: World, { partner }: Note): void {
  world.counts.hedges++
  if (partner !== null) world.health(partner.provider.name).hedges++
}

/** A hedge on another target than its original's that has failed: the plan goes on past that target. */
export function hasFailedElsewhere (note: Note): boolean {
  return note.isHedge && !note.refused && note.state === 'ended' && !note.answered && !note.outpaced && note.hop !== note.partner?.hop
}

/** How many attempts the record must speak of: every original, and every hedge of a pair of which one failed while the other went on. */
export function countedAttempts (ask: Ask): number {
  return ask.notes.filter((note) => !note.isHedge || wasSplit(note)).length
}

function wasSplit (hedge: Note): boolean {
  if (hedge.refused) return false
  const [first] = [hedge, hedge.partner as Note].sort((one, other) => one.conclusion - other.conclusion) as [Note]
  return !first.answered && !first.outpaced && !isAbandoned(first)
}

/** Cancelled because the request was over. */
export function isAbandoned ({ cancelled, cancelledAtMs, ask }: Note): boolean {
  return cancelled && cancelledAtMs === ask.endedAtMs && (ask.ending === 'gone' || ask.code === 'BIFROST_DEADLINE_EXCEEDED')
}

/** The record tells of every hedge how it went. */
export function checkHedgeResults (ask: Ask, { hedges }: RequestRecord, check: Check): void {
  const wanted = ask.notes.filter(({ isHedge, refused }) => isHedge && !refused).map((note) => `${note.partner?.provider.name} ${note.provider.name} ${resultOf(note)}`).join(', ')
  const found = (hedges ?? []).map(({ provider, hedgeProvider, result }) => `${provider} ${hedgeProvider} ${result}`).join(', ')
  check(wanted === found, 'the record tells of every hedge how it went', () => `it says ${found || 'nothing'}, right is ${wanted || 'nothing'}`)
}

function resultOf (note: Note): string {
  if (note.answered) return 'won'
  return note.outpaced || isAbandoned(note) ? 'lost' : 'failed'
}
