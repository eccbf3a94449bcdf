import { randomBytes } from 'node:crypto'
import type { ProviderSettings } from '../api/settings.ts'
import type { Adapter } from '../providers/adapter.ts'
import { createFamilyAdapter } from './family-adapter.ts'
import type { AdapterContext } from './family-adapter.ts'
import type { Family } from '../providers/family.ts'
import { createGeminiFamily } from '../providers/gemini/provider.ts'
import { createOpenAiAdapter } from '../providers/openai/adapter.ts'
import { createOpenAiFamily } from '../providers/openai/provider.ts'
import { createVertexFamily } from '../providers/vertex/provider.ts'

/** Every wire format that the gateway speaks to providers, by `ProviderSettings.kind`. The mock is no wire format. */
const families: Readonly<Partial<Record<ProviderSettings['kind'], (settings: ProviderSettings) => Family>>> = {
  openai: createOpenAiFamily,
  gemini: createGeminiFamily,
  vertex: createVertexFamily
}

const world: AdapterContext = {
  nowSeconds: () => Math.floor(Date.now() / 1000),
  newId: () => randomBytes(12).toString('hex')
}

export function createAdapter (settings: ProviderSettings, context: AdapterContext = world): Adapter {
  const create = families[settings.kind]
  if (create === undefined) throw new RangeError(`${settings.kind} has no wire format`)
  const translated = createFamilyAdapter(create(settings), settings, context)
  if (settings.kind !== 'openai') return translated
  const native = createOpenAiAdapter(settings)
  return { open: (job) => (job.dialect === 'openai' && settings.operations.includes(job.operation) ? native : translated).open(job) }
}
