import { randomBytes } from 'node:crypto'
import type { JobFrame } from '../api/job.ts'
import type { ProviderSettings } from '../api/settings.ts'
import type { Adapter } from '../providers/adapter.ts'
import { createFamilyAdapter } from './family-adapter.ts'
import type { AdapterContext } from './family-adapter.ts'
import type { Family } from '../providers/family.ts'
import { createCohereFamily } from '../providers/cohere/provider.ts'
import { isPlain } from '../providers/mistral/plain.ts'
import { createMistralFamily } from '../providers/mistral/provider.ts'
import { createOllamaFamily } from '../providers/ollama/provider.ts'
import { createOpenAiAdapter } from '../providers/openai/adapter.ts'
import { createOpenAiFamily } from '../providers/openai/provider.ts'

/** Every wire format that the gateway speaks to providers, by `ProviderSettings.kind`. The mock is no wire format. */
const families: Readonly<Partial<Record<ProviderSettings['kind'], (settings: ProviderSettings) => Family>>> = {
  openai: createOpenAiFamily,
  cohere: createCohereFamily,
  mistral: createMistralFamily,
  ollama: createOllamaFamily
}

/** Wire formats that are OpenAI's own or close to it: whether the bytes of an OpenAI client go through as they are. */
const passes: Readonly<Partial<Record<ProviderSettings['kind'], (job: JobFrame) => boolean>>> = {
  openai: () => true,
  mistral: isPlain,
  // Its own API has no such thing.
  ollama: (job) => job.operation === 'text_completion'
}

const world: AdapterContext = {
  nowSeconds: () => Math.floor(Date.now() / 1000),
  newId: () => randomBytes(12).toString('hex')
}

export function createAdapter (settings: ProviderSettings, context: AdapterContext = world): Adapter {
  const create = families[settings.kind]
  if (create === undefined) throw new RangeError(`${settings.kind} has no wire format`)
  const translated = createFamilyAdapter(create(settings), settings, context)
  const mayPass = passes[settings.kind]
  if (mayPass === undefined) return translated
  const native = createOpenAiAdapter(settings)
  return { open: (job) => (job.dialect === 'openai' && settings.operations.includes(job.operation) && mayPass(job) ? native : translated).open(job) }
}
