import { randomBytes } from 'node:crypto'
import type { ProviderSettings } from '../api/settings.ts'
import type { Adapter } from '../providers/adapter.ts'
import { createFamilyAdapter } from './family-adapter.ts'
import type { AdapterContext } from './family-adapter.ts'
import type { Family } from '../providers/family.ts'
import { createAnthropicFamily } from '../providers/anthropic/provider.ts'
import { createAzureAdapter } from '../providers/azure/adapter.ts'
import { createAzureFamily } from '../providers/azure/provider.ts'
import { createOpenAiAdapter } from '../providers/openai/adapter.ts'
import { createOpenAiFamily } from '../providers/openai/provider.ts'

type Kind = ProviderSettings['kind']

/** Every wire format that the gateway speaks to providers, by `ProviderSettings.kind`. The mock is no wire format. */
const families: Readonly<Partial<Record<Kind, (settings: ProviderSettings) => Family>>> = {
  anthropic: createAnthropicFamily,
  azure: createAzureFamily,
  openai: createOpenAiFamily
}

/** Where OpenAI's own clients are served without a look at more bytes than must be. */
const openAiNatives: Readonly<Partial<Record<Kind, (settings: ProviderSettings, family: Family) => Adapter>>> = {
  azure: createAzureAdapter,
  openai: createOpenAiAdapter
}

const world: AdapterContext = {
  nowSeconds: () => Math.floor(Date.now() / 1000),
  newId: () => randomBytes(12).toString('hex')
}

export function createAdapter (settings: ProviderSettings, context: AdapterContext = world): Adapter {
  const create = families[settings.kind]
  if (create === undefined) throw new RangeError(`${settings.kind} has no wire format`)
  const family = create(settings)
  const translated = createFamilyAdapter(family, settings, context)
  const native = openAiNatives[settings.kind]?.(settings, family)
  if (native === undefined) return translated
  return { open: (job) => (job.dialect === 'openai' && settings.nativeOperations.includes(job.operation) ? native : translated).open(job) }
}
