import type { Operation } from '../api/operations.ts'
import type { KeySettings, Settings } from '../api/settings.ts'
import { GatewayError } from '../errors.ts'
import type { Breaker, Permit } from './breaker.ts'
import type { Health } from './health.ts'
import { noPin, pickKey } from './pick-key.ts'
import { checkRoute, resolveRoute } from './resolve-target.ts'
import type { Route } from './resolve-target.ts'

/** Where a second attempt may go. */
export interface HedgeOptions {
  settings: Settings
  health: Health
  operation: Operation
  /** Targets of the request in order, as names. */
  hops: readonly string[]
  /** Where the first attempt runs. */
  hop: number
  route: Route
  /** Keys of that target that may not be used: the first attempt's own, and those that had enough before. */
  isTaken: (key: KeySettings) => boolean
  /** The request is bound to one key there. */
  isPinned: boolean
  /** Targets on which a hedge of this request has failed; null for none. */
  failed: ReadonlySet<string> | null
}

/** Leave to make a hedge: the breaker's permit is taken. */
export interface Hedge {
  route: Route
  hop: number
  keyIndex: number
  breaker: Breaker | null
  permit: Permit
}

/** @returns another key of the same target, else the next fallback that may be asked now; null when there is neither */
export function pickHedge (options: HedgeOptions, random: () => number, nowMs: number): Hedge | null {
  const { settings, operation, hops, hop, route, isTaken, isPinned, failed } = options
  const own = isPinned ? null : tryRoute(options, route, hop, isTaken, random, nowMs)
  if (own !== null) return own
  for (let next = hop + 1; next < hops.length; next++) {
    const name = hops[next] as string
    if (failed?.has(name) === true) continue
    try {
      const hedge = tryRoute(options, resolveRoute(settings, name, operation), next, isTakenByNobody, random, nowMs)
      if (hedge !== null) return hedge
    } catch (error) {
      // Nobody serves it, or not now: the plan says so when it comes there.
      if (!(error instanceof GatewayError)) throw error
    }
  }
  return null
}

function isTakenByNobody (): boolean {
  return false
}

/** Keys that rest, whoever said so, are left alone: a hedge is never worth a key's standing. */
function tryRoute ({ settings, health: all, operation }: HedgeOptions, route: Route, hop: number, isTaken: (key: KeySettings) => boolean, random: () => number, nowMs: number): Hedge | null {
  const { provider, requestedModel } = route
  checkRoute(settings, route, operation)
  const health = all.of(provider.name)
  const keyIndex = pickKey(provider, requestedModel, noPin, random(), (key) => isTaken(key) || health.keyRests.restsUntilMs(key.id, false, nowMs) > 0)
  if (keyIndex < 0) return null
  const breaker = provider.breaker === null ? null : health.breaker(requestedModel)
  const permit = breaker === null || provider.breaker === null ? 'normal' : breaker.tryAcquire(provider.breaker, nowMs, random())
  return permit === 'refused' ? null : { route, hop, keyIndex, breaker, permit }
}
