import type { FallbackSettings, KeySettings, ModelReference, ProviderSettings, Settings } from '../../src/api/settings.ts'
import { Draw } from './draw.ts'
import { addFeatures, drawBreaker, drawFallbacks, drawKey } from './scenario.ts'
import type { World } from './world.ts'

/** Keys of one provider, however often it is changed. */
const keysMax = 6

type Change = 'key-added' | 'key-removed' | 'key-changed' | 'concurrency' | 'threads' | 'retry' | 'breaker' | 'fallbacks' | 'features' | 'nothing'

/** Publishes changed settings now and then, sometimes two at once, until `isOver`. */
export function startReloads (world: World, seed: number, isOver: () => boolean): void {
  const { clock, scenario: { features: { reloads, reloadMs } } } = world
  if (!reloads) return
  const draw = new Draw(seed + 0x4e10ad)
  const reload = (): void => {
    if (isOver()) return
    for (let count = draw.chance(0.2) ? 2 : 1; count > 0; count--) {
      const next = change(world, draw, world.settings)
      world.counts.reloads++
      world.note(`reload: ${next.providers.map(describe).join('; ')}`)
      world.generations.publish(next)
    }
    world.unsettled = true
    clock.after(draw.exponential(reloadMs), reload)
  }
  clock.after(draw.exponential(reloadMs), reload)
}

/** Other settings, as a new load makes them: no object of the old ones is in them. */
function change (world: World, draw: Draw, settings: Settings): Settings {
  const { calm, settings: { providers: all } } = world.scenario
  const { client, generation } = settings
  let providers = structuredClone(settings.providers) as ProviderSettings[]
  const gone = all.filter(({ name }) => providers.every((one) => one.name !== name))
  if (gone.length > 0 && draw.chance(0.5)) providers.push(structuredClone(draw.pick(gone)))
  else if (!calm && providers.length > 1 && draw.chance(0.35)) providers.splice(draw.int(0, providers.length - 1), 1)
  else {
    const index = draw.int(0, providers.length - 1)
    for (let count = draw.int(1, 3); count > 0; count--) providers[index] = changeProvider(world, draw, providers[index] as ProviderSettings)
  }
  const names = providers.map(({ name }) => name)
  // The config check lets no fallback name a provider that is not there.
  providers = providers.map((provider) => ({ ...provider, fallbacks: onlyTo(names, provider.fallbacks) }))
  return {
    ...structuredClone(settings),
    generation: generation + 1,
    client: { ...client, dropExcessRequests: draw.chance(0.1) ? !client.dropExcessRequests : client.dropExcessRequests, requestTimeoutMs: !calm && draw.chance(0.1) ? Math.round(draw.spread(1_000, 30_000)) : client.requestTimeoutMs },
    providers
  }
}

function changeProvider (world: World, draw: Draw, provider: ProviderSettings): ProviderSettings {
  const { calm, features } = world.scenario
  const { keys, concurrency, bufferSize } = provider
  const names = world.settings.providers.map(({ name }) => name)
  switch (draw.weighted<Change>({ 'key-added': 2, 'key-removed': 2, 'key-changed': 2, concurrency: 3, threads: 2, retry: 1, breaker: 1, fallbacks: 1, features: 2, nothing: 1 })) {
    case 'key-added': return keys.length >= keysMax ? provider : { ...provider, keys: [...keys, drawKey(draw, `${provider.name}-r${world.counts.reloads}-${keys.length}`, calm)] }
    case 'key-removed': return keys.length === 1 ? provider : { ...provider, keys: keys.toSpliced(draw.int(0, keys.length - 1), 1) }
    case 'key-changed': return { ...provider, keys: changeOne(draw, keys, calm) }
    case 'concurrency': {
      if (calm) return { ...provider, concurrency: draw.int(500, 1_000) }
      return { ...provider, concurrency: Math.max(1, Math.round(concurrency * draw.pick([0.3, 0.5, 2, 3]))), bufferSize: Math.round(bufferSize * draw.pick([0.3, 1, 3])) }
    }
    case 'threads': return { ...provider, threads: draw.int(1, 3), ringBytes: draw.pick([65_536, 131_072]) }
    case 'retry': return { ...provider, retry: { ...provider.retry, maxRetries: draw.int(0, 4), budgetShare: draw.pick([0, 0.1, 0.2, 1]) } }
    case 'breaker': return { ...provider, breaker: draw.chance(0.3) ? null : drawBreaker(draw) }
    case 'fallbacks': return { ...provider, fallbacks: drawFallbacks(draw, names, calm) }
    case 'features': return addFeatures(draw, features, provider)
    case 'nothing': return provider
  }
}

/** Another weight, another secret, or on and off. */
function changeOne (draw: Draw, keys: readonly KeySettings[], calm: boolean): KeySettings[] {
  const at = draw.int(0, keys.length - 1)
  return keys.map((key, index) => {
    if (index !== at) return key
    if (!calm && draw.chance(0.3)) return { ...key, enabled: !key.enabled }
    return draw.chance(0.5) ? { ...key, weight: draw.pick([0, 0.5, 1, 3]) } : { ...key, value: `${key.value}+` }
  })
}

function onlyTo (names: readonly string[], { general, byModel, contextLength, contentPolicy }: FallbackSettings): FallbackSettings {
  const only = (list: readonly ModelReference[]): ModelReference[] => list.filter(({ provider }) => names.includes(provider))
  return {
    general: only(general),
    byModel: Object.fromEntries(Object.entries(byModel).map(([model, list]) => [model, only(list)])),
    contextLength: only(contextLength),
    contentPolicy: only(contentPolicy)
  }
}

function describe ({ name, concurrency, bufferSize, threads, keys, hedging, adaptiveConcurrency }: ProviderSettings): string {
  return `${name} ${concurrency}+${bufferSize} on ${threads}, keys ${keys.map(({ id }) => id).join(' ')}${hedging === null ? '' : ', hedging'}${adaptiveConcurrency === null ? '' : ', adaptive'}`
}
