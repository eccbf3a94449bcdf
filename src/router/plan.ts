import { directKey, directKeyIndex } from '../api/direct-key.ts'
import type { KeySettings, ProviderSettings, Settings } from '../api/settings.ts'
import { GatewayError } from '../errors.ts'
import { toBackoffMs } from './backoff.ts'
import type { Breaker, Permit } from './breaker.ts'
import { targetsMax, toName, withConfigured } from './configured-fallbacks.ts'
import type { Health, ProviderHealth } from './health.ts'
import { refusedKeyRestMs } from './key-rests.ts'
import { outcomeTable, toOutcome } from './outcomes.ts'
import type { Outcome } from './outcomes.ts'
import { pickHedge } from './pick-hedge.ts'
import { noPin, pickKey } from './pick-key.ts'
import type { PlanRequest } from './plan-request.ts'
import { checkRoute, resolveRoute, toDirectRoute, toTarget } from './resolve-target.ts'
import type { Route } from './resolve-target.ts'
import { toRetryAfterMs } from './retry-after.ts'
import type { Target } from './target.ts'
import type { TrailEntry } from './trail.ts'
import { toOpenFailure, toRestingFailure } from './unavailable.ts'

/** A timer may come this much early: a pause that a provider asked for is made so much longer, in milliseconds. */
const timerSlackMs = 2
/** An attempt for which less time than this is left is not started, in milliseconds. */
const attemptMsMin = 10
/** By how much a pause that a provider asked for is made longer at most, as a share of it. */
const spreadShare = 0.2
/** A request under which so many threads ended is not tried again: it may be what ends them. */
const workerLossesMax = 3
/** On one target; the attempt after the first loss is free. */
const workerLossesPerTargetMax = 2

export interface PlanContext {
  health: Health
  random: () => number
  nowMs: () => number
  /** Wall clock, for dates in `Retry-After`. */
  nowEpochMs: () => number
}

/** An attempt to make now. Its ending goes to `finish`, once. */
export interface Attempt {
  kind: 'attempt'
  target: Target
  breaker: Breaker | null
  permit: Permit
  epoch: number
  /** It joins an attempt that is slow. */
  isHedge: boolean
  /** A connection broke under this request; others that have been idle as long may be dead too. */
  freshConnection: boolean
}

export type Step = Attempt
  /** Nothing to do for so long; then `resume`. */
  | { kind: 'wait', waitMs: number }
  | { kind: 'fail', failure: Failure }

export interface Failure {
  error: GatewayError
  /** Who failed; null for what was not tried. */
  target: Target | null
  /** The upstream's headers as lines joined by CR LF, or empty. */
  headers: string
}

/**
 * The way of one request over its targets: which comes first, what follows a failure, when to give up. It owns no
 * timer and no socket: clock and random numbers come from its context, the caller carries its steps out. States:
 * hop (which target), what was used up on it, and the failure that the client will see if nothing helps.
 */
export class RoutePlan {
  /** Failed attempts and targets that were passed over, in order; null as long as all is well. */
  trail: TrailEntry[] | null = null
  private readonly settings: Settings
  private readonly context: PlanContext
  private readonly request: PlanRequest
  private hops: readonly string[]
  private hop = 0
  private hasOwnFallbacks = false
  private primary: Route | null = null
  /** On the current hop. */
  private retries = 0
  private workerLosses = 0
  /** Of the whole request. */
  private workerLossesTotal = 0
  private spentKeys: Set<string> | null = null
  /** The next attempt uses this key again if it may. */
  private sameKey: KeySettings | null = null
  private counted = false
  private hasTried = false
  /** The first target that an open breaker kept from being tried. */
  private openRoute: { route: Route, hop: number } | null = null
  private firstFailure: Failure | null = null
  /** Names of targets on which a hedge has failed. */
  private failedHedges: Set<string> | null = null
  /** The failed attempt whose key rests already, since another one still ran beside it. */
  private setAsideTarget: Target | null = null

  constructor (settings: Settings, context: PlanContext, request: PlanRequest) {
    this.settings = settings
    this.context = context
    this.request = request
    this.hops = [request.model]
  }

  /**
   * The first step.
   * @throws GatewayError when the request names nobody who could serve it
   */
  start (): Step {
    const { model, fallbacks, isDirect, isBound } = this.request
    this.primary = isDirect ? toDirectRoute(this.route(0)) : this.route(0)
    if (!isBound) this.hops = fallbacks === null ? withConfigured(model, this.primary) : [model, ...fallbacks].slice(0, targetsMax)
    return this.enter()
  }

  extendDeadline (deadlineMs: number): void {
    this.request.deadlineMs = deadlineMs
  }

  /** After a `wait`. */
  resume (): Step {
    return this.enter()
  }

  /** An attempt has failed before anything of its answer reached the client, or another one may go on with its stream. */
  next (target: Target, failure: Failure, outcome: Outcome): Step {
    const row = outcomeTable[outcome]
    if (this.hop === 0 || this.firstFailure === null) this.firstFailure = failure
    if (!row.fallsBack) return { kind: 'fail', failure }
    const retryAfterMs = this.retryAfterMs(failure, outcome)
    if (target !== this.setAsideTarget) this.restKey(target, outcome, retryAfterMs)
    return this.retry(target, failure.error, outcome, retryAfterMs) ?? this.fallBack(outcome)
  }

  /** A second target for an attempt that is slow, null when nobody may be asked or no time is left. The plan stays where it is. */
  hedge (target: Target): Attempt | null {
    if (!this.hasTimeFor(0)) return null
    const { settings, context, hops, hop, spentKeys } = this
    const isTaken = (key: KeySettings): boolean => key === target.key || (spentKeys !== null && spentKeys.has(key.id))
    const hedge = pickHedge({ settings, health: context.health, operation: this.request.operation, hops, hop, route: target, isTaken, isPinned: this.isPinned, failed: this.failedHedges }, context.random, context.nowMs())
    return hedge === null ? null : this.toAttempt(hedge.route, hedge.keyIndex, hedge.breaker, hedge.permit, hedge.hop, true)
  }

  /** One of two attempts that run at once has failed. The other one may still answer, so that nothing follows, but others must know of the key. */
  setAside (target: Target, failure: Failure, outcome: Outcome, isHedge: boolean): void {
    this.restKey(target, outcome, this.retryAfterMs(failure, outcome))
    const hop = target.fallback?.index ?? 0
    if (isHedge && failure.error.code === 'BIFROST_WORKER_LOST') this.workerLossesTotal++
    if (!isHedge) this.setAsideTarget = target
    else if (hop !== this.hop) (this.failedHedges ??= new Set()).add(this.hops[hop] as string)
    else if (outcomeTable[outcome].retry.startsWith('next-key')) (this.spentKeys ??= new Set()).add(target.key.id)
  }

  /** The first thread that ends under a request here says nothing about the provider: a breaker that counted all it had in hand would refuse their second tries. */
  isForgiven (error: GatewayError): boolean {
    return error.code === 'BIFROST_WORKER_LOST' && this.workerLosses === 0
  }

  private retry (target: Target, error: GatewayError, outcome: Outcome, retryAfterMs: number | null): Step | null {
    const { provider, key } = target
    const { retry } = outcomeTable[outcome]
    this.sameKey = key
    if (error.code === 'BIFROST_WORKER_LOST') {
      this.workerLossesTotal++
      if (++this.workerLosses >= workerLossesPerTargetMax) return this.workerLossesTotal >= workerLossesMax ? { kind: 'fail', failure: this.firstFailure as Failure } : null
      return this.hasTimeFor(0) ? this.enter() : null
    }
    if (retry === 'next-key-free' || retry === 'next-key') {
      this.sameKey = null
      ;(this.spentKeys ??= new Set()).add(key.id)
      const hasOther = !this.isPinned && this.pick(target) >= 0
      if (hasOther && retry === 'next-key-free') return this.enter()
      if (hasOther) return this.takeRetry(provider, 0) ? this.enter() : null
      if (retry === 'next-key-free') return null
      // Every key has had enough: they may be asked again after a pause, this one first, since the pause is as long as it asked for.
      this.spentKeys.clear()
      this.sameKey = key
    } else if (retry === 'never' || (retry === 'last-resort' && !this.isLastHop)) return null
    if (retryAfterMs !== null && retryAfterMs > provider.retry.backoffMaxMs) return null
    const backoffMs = toBackoffMs(provider.retry, this.retries + 1, this.context.random())
    const waitMs = retryAfterMs === null || retryAfterMs < backoffMs ? backoffMs : this.spread(retryAfterMs)
    return this.takeRetry(provider, waitMs) ? { kind: 'wait', waitMs } : null
  }

  /** Pays for a retry out of `max_retries`, the request's time and the provider's retry budget. */
  private takeRetry (provider: ProviderSettings, waitMs: number): boolean {
    if (this.retries >= provider.retry.maxRetries || !this.hasTimeFor(waitMs)) return false
    if (!this.health(provider).retryBudget.tryTake(provider.retry.budgetShare, this.context.nowMs())) return false
    this.retries++
    return true
  }

  private get isPinned (): boolean {
    return this.hop === 0 && (this.request.pin !== null || this.request.isDirect)
  }

  /** Nobody is left to move on to. */
  private get isLastHop (): boolean {
    let next = this.hop + 1
    while (next < this.hops.length && this.failedHedges?.has(this.hops[next] as string) === true) next++
    return next === this.hops.length
  }

  private hasTimeFor (waitMs: number): boolean {
    return this.context.nowMs() + waitMs + attemptMsMin <= this.request.deadlineMs
  }

  /** Never shorter, and longer by chance as far as time allows: many wait for the same moment, and must not come back in it all at once. */
  private spread (waitMs: number): number {
    const timeLeftMs = this.request.deadlineMs - attemptMsMin - this.context.nowMs()
    return Math.max(waitMs + timerSlackMs, Math.min(waitMs * (1 + spreadShare * this.context.random()), timeLeftMs))
  }

  private fallBack (outcome: Outcome): Step {
    const own = outcome === 'context_length' ? this.primary?.provider.fallbacks.contextLength : outcome === 'content_policy' ? this.primary?.provider.fallbacks.contentPolicy : undefined
    if (own !== undefined && own.length > 0 && !this.hasOwnFallbacks && !this.request.isBound) {
      this.hasOwnFallbacks = true
      this.hops = [...this.hops.slice(0, this.hop + 1), ...own.map(toName)]
    }
    this.leaveHop()
    return this.enter()
  }

  private leaveHop (): void {
    this.hop++
    this.retries = 0
    this.workerLosses = 0
    this.spentKeys = null
    this.sameKey = null
    this.counted = false
  }

  /** The current target if it may be tried, else the next one that may. */
  private enter (): Step {
    const nowMs = this.context.nowMs()
    for (; this.hop < this.hops.length; this.leaveHop()) {
      if (this.failedHedges?.has(this.hops[this.hop] as string) === true) continue
      if (nowMs + attemptMsMin > this.request.deadlineMs) return { kind: 'fail', failure: this.firstFailure ?? { error: new GatewayError('BIFROST_DEADLINE_EXCEEDED'), target: null, headers: '' } }
      try {
        const step = this.tryHop(this.hop === 0 ? this.primary as Route : this.route(this.hop), nowMs)
        if (step.kind !== 'fail') return step
        this.passOver(step.failure)
      } catch (error) {
        if (!(error instanceof GatewayError)) throw error
        this.passOver({ error, target: null, headers: '' })
      }
    }
    return this.lastResort() ?? { kind: 'fail', failure: this.firstFailure as Failure }
  }

  /** Where nobody else could even be asked, a target whose breaker is open is better than a certain error. */
  private lastResort (): Step | null {
    if (this.openRoute === null || this.hasTried) return null
    const { route, hop } = this.openRoute
    this.openRoute = null
    this.hop = hop
    const keyIndex = this.keyFor(route, this.health(route.provider), this.context.nowMs())
    return keyIndex < 0 ? null : this.toAttempt(route, keyIndex, null, 'normal')
  }

  private passOver (failure: Failure): void {
    this.firstFailure ??= failure
    const { error } = failure
    this.note({ target: null, name: this.hops[this.hop] as string, fallbackIndex: this.hop, outcome: toOutcome(error), error, queueMs: 0, upstreamMs: 0 })
  }

  note (entry: TrailEntry): void {
    (this.trail ??= []).push(entry)
  }

  private tryHop (route: Route, nowMs: number): Step {
    checkRoute(this.settings, route, this.request.operation, this.hop === 0 && this.request.isDirect)
    const { provider, requestedModel } = route
    const health = this.health(provider)
    const keyIndex = this.keyFor(route, health, nowMs)
    if (keyIndex < 0) return this.waitForKey(provider, health, nowMs)
    const { breaker: settings } = provider
    const breaker = settings === null ? null : health.breaker(requestedModel)
    const permit = breaker === null ? 'normal' : breaker.tryAcquire(settings as NonNullable<typeof settings>, nowMs, this.context.random())
    if (permit === 'refused') {
      this.openRoute ??= { route, hop: this.hop }
      return { kind: 'fail', failure: toOpenFailure(provider.name, requestedModel, (breaker as Breaker).waitMs(nowMs)) }
    }
    return this.toAttempt(route, keyIndex, breaker, permit)
  }

  private toAttempt (route: Route, keyIndex: number, breaker: Breaker | null, permit: Permit, hop = this.hop, isHedge = false): Attempt {
    const { provider } = route
    this.hasTried = true
    if (!this.counted) {
      this.counted = true
      this.health(provider).retryBudget.onRequest(provider.retry.budgetShare)
      if (provider.hedging !== null) this.health(provider).hedgeBudget.onRequest(provider.hedging.budgetShare)
    }
    const primary = this.primary as Route
    const fallback = hop === 0 ? null : { index: hop, primaryProvider: primary.provider.name, primaryModel: primary.requestedModel }
    const freshConnection = this.trail !== null && this.trail.some(({ error }) => error?.code === 'BIFROST_UPSTREAM_RESET')
    return { kind: 'attempt', target: toTarget(route, keyIndex, fallback), breaker, permit, epoch: breaker === null ? 0 : breaker.currentEpoch, isHedge, freshConnection }
  }

  /** @returns an index into the provider's keys; -1 when all that serve the model rest because the provider said so */
  private keyFor ({ provider, requestedModel }: Route, health: ProviderHealth, nowMs: number): number {
    if (this.hop === 0 && this.request.isDirect) return directKeyIndex
    const pin = this.hop === 0 ? this.request.pin ?? noPin : noPin
    const { keyRests } = health
    // Another request may have been told meanwhile that this key has to rest.
    if (this.sameKey !== null && keyRests.restsUntilMs(this.sameKey.id, true, nowMs) === 0) return provider.keys.indexOf(this.sameKey)
    const random = this.context.random()
    const spent = this.spentKeys
    if (spent === null && !keyRests.mayAnyRest(nowMs)) return pickKey(provider, requestedModel, pin, random)
    const isSpent = (key: KeySettings): boolean => spent !== null && spent.has(key.id)
    const rested = pickKey(provider, requestedModel, pin, random, (key) => isSpent(key) || keyRests.restsUntilMs(key.id, false, nowMs) > 0)
    return rested >= 0 ? rested : pickKey(provider, requestedModel, pin, random, (key) => isSpent(key) || keyRests.restsUntilMs(key.id, true, nowMs) > 0)
  }

  /** Whether another key could serve this target now. */
  private pick (target: Target): number {
    return this.keyFor({ provider: target.provider, requestedModel: target.requestedModel }, this.health(target.provider), this.context.nowMs())
  }

  /** All keys rest. The last target is worth a short wait; before that, the next target is better. */
  private waitForKey (provider: ProviderSettings, health: ProviderHealth, nowMs: number): Step {
    const until = provider.keys.filter((key) => key.enabled).map((key) => health.keyRests.restsUntilMs(key.id, true, nowMs)).filter((untilMs) => untilMs > 0)
    const waitMs = Math.max(1, until.length === 0 ? provider.retry.backoffInitialMs : Math.min(...until) - nowMs)
    if (this.isLastHop && waitMs <= provider.retry.backoffMaxMs && this.hasTimeFor(waitMs)) return { kind: 'wait', waitMs: this.spread(waitMs) }
    return { kind: 'fail', failure: toRestingFailure(provider.name, waitMs) }
  }

  private retryAfterMs ({ headers }: Failure, outcome: Outcome): number | null {
    return outcome === 'key_passing' || outcome === 'transient' ? toRetryAfterMs(headers, this.context.nowEpochMs()) : null
  }

  private restKey ({ provider, key }: Target, outcome: Outcome, retryAfterMs: number | null): void {
    if (key === directKey) return
    const nowMs = this.context.nowMs()
    const { keyRests } = this.health(provider)
    if (outcome === 'key_lasting') keyRests.rest(key.id, nowMs + refusedKeyRestMs, false, nowMs)
    if (outcome === 'key_passing') keyRests.rest(key.id, nowMs + (retryAfterMs ?? provider.retry.backoffInitialMs), retryAfterMs !== null, nowMs)
  }

  private route (hop: number): Route {
    return resolveRoute(this.settings, this.hops[hop] as string, this.request.operation)
  }

  private health (provider: ProviderSettings): ProviderHealth {
    return this.context.health.of(provider.name)
  }
}
