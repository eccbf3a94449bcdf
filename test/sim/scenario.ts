import type { BreakerSettings, FallbackSettings, KeySettings, ModelReference, ProviderSettings, Settings } from '../../src/api/settings.ts'
import { createKey, createProvider, createSettings } from '../router/settings.ts'
import { Draw } from './draw.ts'
import { drawWeather } from './weather.ts'
import type { Weather } from './weather.ts'

export const models = ['m0', 'm1', 'm2'] as const

/** What goes wrong at one provider, and when. */
export interface ProviderPlan {
  weather: Weather[]
  /** Ids of keys that the provider refuses. */
  deadKeys: ReadonlySet<string>
  /** Mean life of a thread; Infinity: it does not die. */
  threadLifeMs: number
  /** Share of the deaths that are endless loops. */
  stuckShare: number
  threadStartMs: number
  startFailureShare: number
  ringFullShare: number
}

/** What is on beside the plain gateway. Drawn apart, so that the rest of a world does not depend on it. */
export interface Features {
  hedging: boolean
  priorities: boolean
  adaptive: boolean
  reloads: boolean
  /** Mean time between reloads. */
  reloadMs: number
}

/** One seed's world: configuration, traffic and faults. */
export interface Scenario {
  /** Nothing goes wrong: every request must be answered. */
  calm: boolean
  features: Features
  settings: Settings
  plans: ProviderPlan[]
  requests: number
  arrivalMs: number
  burstShare: number
  streamShare: number
  leaverShare: number
  patienceMs: number
  slowReaderShare: number
  deadlineShare: number
  pinShare: number
  ownFallbackShare: number
}

export function drawScenario (seed: number): Scenario {
  const draw = new Draw(seed)
  const calm = draw.chance(0.1)
  const requests = Math.round(draw.spread(200, 2_000))
  const arrivalMs = draw.spread(10, 600)
  const names = Array.from({ length: draw.int(1, 4) }, (_, index) => `p${index}`)
  const extra = new Draw(seed + 0xfea7)
  const features: Features = { hedging: extra.chance(0.35), priorities: extra.chance(0.5), adaptive: extra.chance(0.35), reloads: extra.chance(0.35), reloadMs: requests * arrivalMs / extra.spread(2, 60) }
  const settings = createSettings(names.map((name) => addFeatures(extra, features, drawProvider(draw, name, names, calm))))
  return {
    calm,
    features,
    settings: { ...settings, client: { ...settings.client, initialPoolSize: draw.int(0, 64), dropExcessRequests: draw.chance(0.6), requestTimeoutMs: calm ? 60_000 : Math.round(draw.spread(1_000, 30_000)) } },
    plans: settings.providers.map((provider) => drawPlan(draw, provider, calm, requests * arrivalMs + 30_000)),
    requests,
    arrivalMs,
    burstShare: draw.chance(0.5) ? 0 : draw.between(0.01, 0.1),
    streamShare: draw.random(),
    leaverShare: draw.chance(0.3) ? 0 : draw.between(0, 0.4),
    patienceMs: draw.spread(20, 5_000),
    slowReaderShare: draw.between(0, 0.2),
    deadlineShare: calm ? 0 : draw.between(0, 0.4),
    pinShare: calm || draw.chance(0.5) ? 0 : draw.between(0, 0.3),
    ownFallbackShare: draw.chance(0.3) ? 0 : draw.between(0, 0.5)
  }
}

/** Hedging and limits of models as they are drawn for one provider. */
export function addFeatures (draw: Draw, { hedging, adaptive }: Features, provider: ProviderSettings): ProviderSettings {
  return {
    ...provider,
    hedging: hedging && draw.chance(0.8) ? { delayMinMs: draw.pick([1, 20, 200]), requestsMin: draw.pick([1, 10, 50]), budgetShare: draw.pick([0.02, 0.1, 0.5, 1]) } : null,
    adaptiveConcurrency: adaptive && draw.chance(0.8) ? { concurrencyMin: draw.int(1, 5), latencyTolerance: draw.pick([1.5, 2, 3]) } : null
  }
}

function drawProvider (draw: Draw, name: string, names: readonly string[], calm: boolean): ProviderSettings {
  const concurrency = calm ? 1_000 : Math.round(draw.spread(1, 100))
  return createProvider(name, {
    keys: Array.from({ length: draw.int(1, 4) }, (_, index) => drawKey(draw, `${name}-k${index}`, calm)),
    concurrency,
    connectionsPerOrigin: calm || draw.chance(0.8) ? 1_000 : draw.int(1, concurrency),
    bufferSize: calm ? 5_000 : draw.chance(0.2) ? 0 : Math.round(draw.spread(1, 300)),
    threads: draw.int(1, 3),
    timeouts: {
      connectMs: draw.int(100, 1_000),
      responseHeaderMs: calm ? 100_000 : draw.int(500, 4_000),
      firstTokenMs: calm ? 100_000 : draw.int(400, 4_000),
      streamIdleMs: calm ? 100_000 : draw.int(300, 3_000),
      totalMs: calm ? 100_000 : draw.int(1_000, 8_000),
      streamTotalMs: calm ? 100_000 : draw.int(2_000, 15_000)
    },
    retry: { maxRetries: draw.pick([0, 1, 1, 2, 3, 6]), backoffInitialMs: draw.pick([5, 50, 500]), backoffMaxMs: draw.pick([500, 2_000, 5_000]), budgetShare: draw.pick([0, 0.1, 0.2, 0.2, 0.2, 1]) },
    fallbacks: drawFallbacks(draw, names, calm),
    breaker: draw.chance(0.25) ? null : drawBreaker(draw)
  })
}

export function drawFallbacks (draw: Draw, names: readonly string[], calm: boolean): FallbackSettings {
  const list = (share: number): ModelReference[] => calm || !draw.chance(share) ? [] : Array.from({ length: draw.int(1, 3) }, () => ({ provider: draw.pick(names), model: draw.pick(models) }))
  return {
    general: list(0.6),
    byModel: draw.chance(0.3) ? { [draw.pick(models)]: list(0.7) } : {},
    contextLength: list(0.3),
    contentPolicy: list(0.3)
  }
}

export function drawKey (draw: Draw, id: string, calm: boolean): KeySettings {
  const rare = (share: number): boolean => !calm && draw.chance(share)
  const aliased = draw.pick(models)
  return createKey({
    id,
    name: `${id}-name`,
    value: rare(0.03) ? '' : `sk-${id}`,
    models: rare(0.2) ? [draw.pick(models), draw.pick(models)] : ['*'],
    blacklistedModels: rare(0.1) ? [draw.pick(models)] : [],
    weight: draw.pick([0, 0.5, 1, 1, 3]),
    enabled: !rare(0.12),
    aliases: draw.chance(0.2) ? { [aliased]: `${aliased}~${id}` } : {}
  })
}

export function drawBreaker (draw: Draw): BreakerSettings {
  const openMs = draw.pick([200, 1_000, 5_000])
  return {
    windowMs: draw.pick([2_000, 10_000, 30_000]),
    requestsMin: draw.pick([3, 5, 10, 20]),
    failureShare: draw.pick([0.3, 0.5, 0.8]),
    slowMs: draw.pick([0, 0, 500]),
    slowShare: 0.8,
    openMs,
    openMaxMs: openMs * draw.pick([1, 4, 10]),
    halfOpenRequests: draw.pick([1, 2, 3]),
    rampMs: draw.pick([0, 1_000, 5_000])
  }
}

function drawPlan (draw: Draw, { keys }: ProviderSettings, calm: boolean, endMs: number): ProviderPlan {
  const sick = !calm && draw.chance(0.35)
  return {
    weather: calm ? [{ untilMs: Infinity, moods: { ok: 1 }, latencyMs: 50 }] : drawWeather(draw, endMs),
    deadKeys: new Set(calm ? [] : keys.map(({ id }) => id).filter(() => draw.chance(0.12))),
    threadLifeMs: sick ? draw.spread(300, 60_000) : Infinity,
    stuckShare: draw.between(0, 0.5),
    threadStartMs: draw.spread(5, 3_000),
    startFailureShare: sick ? draw.between(0, 0.5) : 0,
    ringFullShare: !calm && draw.chance(0.3) ? draw.between(0, 0.3) : 0
  }
}
