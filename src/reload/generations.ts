import { isDeepStrictEqual } from 'node:util'
import type { ProviderSettings, Settings } from '../api/settings.ts'
import type { JobPool } from '../pool/job.ts'
import { Generation } from './generation.ts'

/** A pool as generations steer it. */
export interface ReloadablePool extends JobPool {
  /** The latest that were applied. */
  readonly settings: ProviderSettings
  apply (settings: ProviderSettings, dropExcess: boolean): void
  /** Resolves when no job is queued or runs. */
  whenIdle (): Promise<void>
  /** Resolves when the last job has ended and the threads are gone. */
  close (): Promise<void>
  destroy (): Promise<void>
}

export interface GenerationOptions<Pool extends ReloadablePool> {
  createPool: (provider: ProviderSettings, settings: Settings) => Pool
  /** A provider that is configured no more has done its last job. */
  onPoolGone: (name: string) => void
  /** New requests begin with this one. */
  onPublished: (generation: Generation) => void
}

/** Generations with requests; changes that come faster than requests end must not pile up without end. */
export const liveGenerationsMax = 1_000

/**
 * Turns settings into generations and keeps the pools that they need. A provider's pool lives as long as any generation with
 * requests names it; a provider that did not change keeps its very settings.
 */
export class Generations<Pool extends ReloadablePool> {
  private readonly options: GenerationOptions<Pool>
  /** By `poolKey`. */
  private readonly pools = new Map<string, Pool>()
  /** No generation names them any more; attempts that nobody waits for may still be ending. */
  private readonly emptying = new Set<Pool>()
  private readonly closing = new Set<Promise<void>>()
  private readonly live = new Set<Generation>()
  current: Generation

  constructor (settings: Settings, options: GenerationOptions<Pool>) {
    this.options = options
    this.current = this.create(settings)
  }

  get all (): readonly Pool[] { return [...this.pools.values()] }

  /** False while requests of too many earlier generations are in progress. */
  get hasRoom (): boolean { return this.live.size < liveGenerationsMax }

  publish (settings: Settings): void {
    const before = this.current
    this.current = this.create(keepUnchanged(before.settings, settings))
    this.options.onPublished(this.current)
    before.retire(() => {
      this.live.delete(before)
      this.closeUnused()
    })
  }

  /** Resolves when every pool has done its last job. */
  async close (): Promise<void> {
    await Promise.all([...this.closing, ...this.all.map((pool) => pool.close())])
  }

  /** Ends all threads now. */
  async destroy (): Promise<void> {
    await Promise.all(this.all.map((pool) => pool.destroy()))
  }

  private create (settings: Settings): Generation {
    const pools = new Map<string, Pool>()
    for (const provider of settings.providers) {
      const key = poolKey(provider)
      const known = this.pools.get(key)
      known?.apply(provider, settings.client.dropExcessRequests)
      const pool = known ?? this.options.createPool(provider, settings)
      this.pools.set(key, pool)
      pools.set(provider.name, pool)
    }
    const generation = new Generation(settings, pools)
    this.live.add(generation)
    return generation
  }

  private isUsed (pool: Pool): boolean {
    return [...this.live].some((generation) => [...generation.pools.values()].includes(pool))
  }

  /** A pool closes once it is empty: should its provider come back before, one limit holds over what ends and what begins. */
  private closeUnused (): void {
    for (const [key, pool] of this.pools) {
      if (this.isUsed(pool) || this.emptying.has(pool)) continue
      this.emptying.add(pool)
      void pool.whenIdle().then(() => {
        this.emptying.delete(pool)
        if (!this.isUsed(pool)) this.closePool(key, pool)
      })
    }
  }

  private closePool (key: string, pool: Pool): void {
    const { name } = pool.settings
    this.pools.delete(key)
    const closed = pool.close().then(() => {
      if (!this.all.some(({ settings }) => settings.name === name)) this.options.onPoolGone(name)
    }).finally(() => { this.closing.delete(closed) })
    this.closing.add(closed)
  }
}

/** A provider that changes to another wire format gets other threads: a thread knows one. */
function poolKey ({ name, kind }: ProviderSettings): string {
  return `${kind} ${name}`
}

/** Equal settings stay the same objects, so that whoever compares by identity sees no change. */
function keepUnchanged (before: Settings, after: Settings): Settings {
  const known = new Map(before.providers.map((provider) => [provider.name, provider]))
  const providers = after.providers.map((provider) => {
    const same = known.get(provider.name)
    return same !== undefined && isDeepStrictEqual(same, provider) ? same : provider
  })
  return Object.freeze({ ...after, providers: Object.freeze(providers) })
}
