import { pathToFileURL } from 'node:url'
import { measure } from '../lib/micro.ts'
import type { KeySettings, ProviderSettings } from '../../src/api/settings.ts'
import { pickKey } from '../../src/router/pick-key.ts'

/**
 * What picking a key costs, by number of keys.
 * Run: node dist/bench/micro/key-pick.js
 */

const noPin = { id: null, name: null }

function createKeys (count: number, extra: Partial<KeySettings>): Pick<ProviderSettings, 'name' | 'keyless' | 'keys'> {
  const keys = Array.from({ length: count }, (_, index): KeySettings => ({
    id: `id-${index}`, name: `name-${index}`, value: 'sk', models: ['*'], blacklistedModels: [], weight: 1 + index % 3, enabled: true, useForBatchApi: false, aliases: {}, ...extra
  }))
  return { name: 'openai', keyless: false, keys }
}

function measurePick (count: number, extra: Partial<KeySettings> = {}, pin: { id: string | null, name: string | null } = noPin): number {
  // Only these three are read.
  const provider = createKeys(count, extra) as ProviderSettings
  let random = 0.123
  return measure(count > 10 ? 20_000 : 200_000, () => {
    random = (random + 0.61803398875) % 1
    pickKey(provider, 'gpt-4o-mini', pin, random)
  })
}

function figures (): Record<string, number> {
  const listed = { models: ['gpt-4o', 'o3', 'gpt-4.1', 'gpt-4o-mini'] }
  return {
    '1 key': measurePick(1),
    '5 keys': measurePick(5),
    '50 keys': measurePick(50),
    '5 keys with a list of models': measurePick(5, listed),
    '50 keys with a list of models': measurePick(50, listed),
    '50 keys, pinned': measurePick(50, {}, { id: 'id-49', name: null })
  }
}

export function run (): void {
  console.table(Object.entries(figures()).map(([what, ns]) => ({ what, 'ns per operation': ns })))
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) run()
