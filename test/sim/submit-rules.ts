import type { JobHead } from '../../src/api/job.ts'
import type { KeySettings, ProviderSettings } from '../../src/api/settings.ts'
import type { JobTerms } from '../../src/pool/job.ts'
import type { Target } from '../../src/router/target.ts'
import { viewOf } from './attempt-rules.ts'
import { checkHedge, checkPassed } from './hedge-rules.ts'
import { isLive } from './world.ts'
import type { Ask, Note, ProviderWorld, World } from './world.ts'

/** A timer may come this much early. */
const slackMs = 5

/** What the pool is asked for. */
export interface Submission {
  target: Target
  settings: ProviderSettings
  head: JobHead
  body: readonly Uint8Array[]
  terms: JobTerms
}

/** Every rule about whether an attempt may be made now, worked out from configuration and history without the code that decided it. */
export function checkSubmit (world: World, provider: ProviderWorld, { target, settings, head, body, terms }: Submission): Note {
  const ask = world.asks[idOf(body)] as Ask
  const { nowMs } = world
  const model = head.model.split('~')[0] as string
  const hop = target.fallback?.index ?? 0
  const live = ask.notes.filter(isLive)
  const previous = ask.notes.findLast(({ isHedge }) => !isHedge) ?? null
  const isHedge = live.length > 0
  const note: Note = {
    ask,
    provider,
    settings,
    keyIndex: head.keyIndex,
    model,
    upstreamModel: head.model,
    isHedge,
    partner: isHedge ? live[0] as Note : null,
    hop,
    submittedAtMs: nowMs,
    dispatchedAtMs: -1,
    endedAtMs: -1,
    conclusion: -1,
    state: 'queued',
    code: '',
    refused: false,
    answered: false,
    outpaced: false,
    cancelled: false,
    cancelledAtMs: -1,
    attempt: null,
    breakerEpoch: 0,
    breakerRole: 'none',
    isFirstOfHop: !isHedge && previous?.hop !== hop
  }
  world.note(`submit ${ask.id} to ${provider.name} ${head.model} ${settings.keys[head.keyIndex]?.id} hop ${hop}${isHedge ? ', a hedge' : ''}`)
  const check = (holds: boolean, rule: string, detail: () => string): void => { world.check(holds, rule, detail, ask.id) }

  check(ask.ending === null, 'no attempt starts after the ending', () => `it ended ${nowMs - ask.endedAtMs} ms ago: ${ask.ending}`)
  check(!ask.opened, 'no attempt starts after the first byte of a stream', () => `hop ${hop}`)
  check(nowMs < ask.deadlineMs, 'no attempt starts after the deadline', () => `${nowMs - ask.deadlineMs} ms after it`)
  check(terms.priority === ask.priority && Math.abs(terms.deadlineMs - ask.deadlineMs) < 1e-6, 'a job waits on the terms of its request', () => `${terms.priority} until ${terms.deadlineMs}, asked for was ${ask.priority} until ${ask.deadlineMs}`)
  check(ask.generation.settings.providers.includes(settings), 'a request keeps the settings that it began with', () => `others of ${provider.name}`)
  check(ask.generation.pools.get(provider.name) === provider.pool && provider.state === 'open', 'a request finds the pools that it began with', () => `${provider.name} is ${provider.state}`)
  check(ask.hops[hop] === `${provider.name}/${model}`, 'the fallback index names the target', () => `${provider.name}/${model} is not number ${hop} of ${ask.hops.join(', ')}`)
  checkKey(world, note, check)
  if (isHedge) checkHedge(world, note, live, check)
  else {
    checkPassed(note, check)
    check(hop >= (previous?.hop ?? 0), 'targets are tried in order', () => `${hop} after ${previous?.hop}`)
    if (previous !== null && !note.isFirstOfHop) checkRetry(world, note, previous, check)
    else earn(world, settings)
  }
  checkBreaker(world, note, check)
  ask.notes.push(note)
  return note
}

export type Check = (holds: boolean, rule: string, detail: () => string) => void

/** A target that is entered earns shares of retries and hedges. */
function earn (world: World, { name, retry, hedging }: ProviderSettings): void {
  const health = world.health(name)
  health.earnedRetries += retry.budgetShare
  health.earnedHedges += hedging?.budgetShare ?? 0
}

/** The body begins with the request's number. */
function idOf (body: readonly Uint8Array[]): number {
  const bytes = body[0] as Uint8Array
  let id = 0
  for (let index = '{"user":"'.length; bytes[index] !== 0x22; index++) id = id * 10 + (bytes[index] as number) - 0x30
  return id
}

function checkKey (world: World, note: Note, check: Check): void {
  const { provider, ask, model, keyIndex, settings } = note
  const key = settings.keys[keyIndex] as KeySettings
  check(key.enabled && key.value !== '', 'a key that is disabled or empty is never used', () => key.id)
  check(!key.blacklistedModels.includes(model) && (key.models.includes('*') || key.models.includes(model) || model in key.aliases), 'a key serves its models only', () => `${key.id} for ${model}`)
  check(note.hop > 0 || ask.pin === null || key.name === ask.pin, 'a pinned key is the only one for the first target', () => `${key.name}, pinned is ${ask.pin}`)
  const untilMs = world.health(provider.name).firmUntilMs.get(key.id) ?? 0
  check(note.submittedAtMs >= untilMs - slackMs, 'a key that was told Retry-After is left alone', () => `${key.id} had ${untilMs - note.submittedAtMs} ms to go`)
}

/** Another attempt on the same target: what allows it, and whether it was paid for. */
function checkRetry (world: World, note: Note, previous: Note, check: Check): void {
  const { ask, provider: { name }, settings, hop, submittedAtMs: nowMs } = note
  const { retry: { maxRetries, backoffInitialMs, backoffMaxMs, budgetShare } } = settings
  const here = ask.notes.filter((other) => other.hop === hop && !other.isHedge)
  const refusals = here.filter(({ attempt, code }) => attempt?.script.mood === 'key_refused' && code === 'BIFROST_UPSTREAM_STATUS').length
  const losses = here.filter(({ code }) => code === 'BIFROST_WORKER_LOST').length
  const paid = here.length - refusals - losses
  check(losses < 2, 'after two lost threads a target is left', () => `${losses} losses`)
  check(paid <= maxRetries, 'retries per target are bounded by max_retries', () => `${here.length} attempts, ${refusals} keys refused, ${losses} threads lost, max_retries is ${maxRetries}`)
  check(previous.code !== 'BIFROST_REQUEST_DROPPED', 'a full queue is not tried again', () => `hop ${hop}`)
  const isFree = previous.code === 'BIFROST_WORKER_LOST' || (previous.attempt?.script.mood === 'key_refused' && previous.code === 'BIFROST_UPSTREAM_STATUS')
  if (isFree) return
  const health = world.health(name)
  world.counts.retries++
  health.paidRetries++
  const allowed = budgetShare === 0 ? 0 : 10 + health.earnedRetries + nowMs / 1_000
  check(health.paidRetries <= allowed + 1e-6, 'retries stay within the retry budget', () => `${health.paidRetries} of ${allowed.toFixed(1)} at ${name}`)
  if (previous.keyIndex !== note.keyIndex) return
  const ending = previous.attempt?.script.ending
  const hintMs = previous.code === 'BIFROST_UPSTREAM_STATUS' && ending !== null && ending !== undefined && ending !== 'silence' ? ending.hintMs : 0
  const leastMs = Math.max(hintMs, Math.min(backoffMaxMs, backoffInitialMs * 0.8)) - slackMs
  const pausedMs = nowMs - (previous.cancelled ? nowMs - leastMs : previous.endedAtMs)
  check(pausedMs >= leastMs, 'the same key is asked again after a pause', () => `${pausedMs} ms, at least ${leastMs} ms were due`)
}

/** An open breaker is passed by only where nobody else could be asked, or with a probe once its time has come. */
function checkBreaker (world: World, note: Note, check: Check): void {
  const { ask, hop, model, submittedAtMs: nowMs, settings: { name, breaker } } = note
  if (breaker === null) return
  const view = viewOf(world.health(name), model)
  const trail = ask.run?.record.plan?.trail ?? []
  note.breakerEpoch = view.epoch
  const wasPassedOver = ask.notes.length === 0 && trail.some((entry) => entry.fallbackIndex === hop && entry.error?.code === 'BIFROST_CIRCUIT_OPEN')
  note.breakerRole = wasPassedOver ? 'last-resort' : view.state === 'open' ? 'probe' : 'normal'
  if (wasPassedOver) {
    const missing = ask.hops.filter((_, index) => !trail.some((entry) => entry.fallbackIndex === index))
    return check(missing.length === 0, 'an open breaker is passed by only when nobody else could be asked', () => `not considered: ${missing.join(', ')}`)
  }
  if (view.state !== 'open') return
  view.probes++
  check(nowMs >= view.openedAtMs + view.openMs, 'a target with an open breaker is left alone', () => `it opened ${nowMs - view.openedAtMs} ms ago, open_in is ${view.openMs} ms`)
  check(view.probes <= breaker.halfOpenRequests, 'as many probes at a time as configured', () => `${view.probes}, allowed are ${breaker.halfOpenRequests}`)
}
