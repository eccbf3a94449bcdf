import type { ProviderSettings } from '../api/settings.ts'
import type { Generation } from '../reload/generation.ts'
import { askForModels } from './ask-for-models.ts'

/** How long a list counts, in milliseconds; and how long nobody is asked again who had none to give. */
const listMs = 5 * 60_000
const failureMs = 30_000

interface Entry {
  /** Of the settings that were asked with. */
  settings: ProviderSettings
  /** Null: the provider did not say. */
  names: readonly string[] | null
  expiresMs: number
  /** An answer that is awaited. */
  pending: Promise<void> | null
}

/**
 * The models that providers say they have, for keys that take any. Asked for when somebody wants the list, of all providers at once; one that does not
 * answer in time is left out, or stands with what it said last.
 */
export class ModelCatalog {
  private readonly generation: () => Generation
  private readonly nowMs: () => number
  /** By provider; those that are not configured any more are dropped with the next list. */
  private entries = new Map<string, Entry>()

  constructor (generation: () => Generation, nowMs: () => number) {
    this.generation = generation
    this.nowMs = nowMs
  }

  /** @returns by provider, without those that did not say */
  async names (): Promise<ReadonlyMap<string, readonly string[]>> {
    const generation = this.generation()
    const { settings } = generation
    const asked = settings.client.listUpstreamModels ? settings.providers.filter(isAsked) : []
    const entries = new Map(asked.map((provider) => [provider.name, this.entryOf(provider, generation)]))
    this.entries = entries
    await Promise.all([...entries.values()].map(({ pending }) => pending))
    return new Map([...entries].flatMap(([name, { names }]) => names === null ? [] : [[name, names]]))
  }

  private entryOf (provider: ProviderSettings, generation: Generation): Entry {
    const known = this.entries.get(provider.name)
    const isCurrent = known !== undefined && known.settings === provider
    if (isCurrent && (known.pending !== null || known.expiresMs > this.nowMs())) return known
    const entry: Entry = { settings: provider, names: isCurrent ? known.names : null, expiresMs: 0, pending: null }
    entry.pending = askForModels(provider, generation, this.nowMs).then((names) => {
      entry.names = names ?? entry.names
      entry.expiresMs = this.nowMs() + (names === null ? failureMs : listMs)
    }).finally(() => { entry.pending = null })
    return entry
  }
}

/** Where every key names its models, nobody has to be asked. */
function isAsked ({ modelsPath, unavailableReason, keys }: ProviderSettings): boolean {
  return modelsPath !== null && unavailableReason === null && keys.some(({ enabled, models }) => enabled && models.includes('*'))
}
