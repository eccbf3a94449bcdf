import { randomBytes } from 'node:crypto'
import { directKey } from '../api/direct-key.ts'
import type { JobFrame } from '../api/job.ts'
import type { ProviderSettings } from '../api/settings.ts'
import { MediaFetcher } from '../fetch/media-fetcher.ts'
import { createFetch } from '../fetch/proxied-fetch.ts'
import type { Fetch } from '../fetch/proxied-fetch.ts'
import { resolveHost } from '../fetch/resolve-host.ts'
import type { Adapter, AdapterCall } from '../providers/adapter.ts'
import { createFamilyAdapter } from './family-adapter.ts'
import type { AdapterContext } from './translated-call.ts'
import type { Family } from '../providers/family.ts'
import { createAnthropicFamily } from '../providers/anthropic/provider.ts'
import { createAzureAdapter } from '../providers/azure/adapter.ts'
import { createAzureFamily } from '../providers/azure/provider.ts'
import { createCohereFamily } from '../providers/cohere/provider.ts'
import { createGeminiFamily } from '../providers/gemini/provider.ts'
import { isPlain } from '../providers/mistral/plain.ts'
import { createMistralFamily } from '../providers/mistral/provider.ts'
import { createOllamaFamily } from '../providers/ollama/provider.ts'
import { createOpenAiAdapter } from '../providers/openai/adapter.ts'
import { createOpenAiFamily } from '../providers/openai/provider.ts'
import { createVertexFamily } from '../providers/vertex/provider.ts'
import { createBedrockFamily } from '../providers/bedrock/provider.ts'

type Kind = ProviderSettings['kind']

/** Every wire format that the gateway speaks to providers, by `ProviderSettings.kind`. The mock is no wire format. Clouds fetch tokens beside it. */
const families: Readonly<Partial<Record<Kind, (settings: ProviderSettings, fetch: Fetch) => Family>>> = {
  anthropic: createAnthropicFamily,
  azure: (settings, fetch) => createAzureFamily(settings, { fetch, nowMs: () => performance.now() }),
  bedrock: (settings, fetch) => createBedrockFamily(settings, { fetch, nowMs: () => Date.now() }),
  cohere: createCohereFamily,
  gemini: createGeminiFamily,
  mistral: createMistralFamily,
  ollama: createOllamaFamily,
  openai: createOpenAiFamily,
  vertex: (settings, fetch) => createVertexFamily(settings, { fetch: settings.proxy === null ? null : fetch, nowMs: () => Date.now() })
}

interface OpenAiNative {
  create (settings: ProviderSettings, family: Family): Adapter
  /** Whether the bytes of an OpenAI client go through as they are. */
  takes (job: JobFrame, settings: ProviderSettings): boolean
}

const isNative: OpenAiNative['takes'] = (job, settings) => settings.nativeOperations.includes(job.operation)

/** Wire formats that are OpenAI's own or close to it: its clients are served without a look at more bytes than must be. */
const openAiNatives: Readonly<Partial<Record<Kind, OpenAiNative>>> = {
  azure: { create: createAzureAdapter, takes: isNative },
  mistral: { create: createOpenAiAdapter, takes: (job, settings) => isNative(job, settings) && isPlain(job) },
  // Its own API has no such thing.
  ollama: { create: createOpenAiAdapter, takes: (job) => job.operation === 'text_completion' },
  openai: { create: createOpenAiAdapter, takes: isNative }
}

const world: AdapterContext = {
  nowSeconds: () => Math.floor(Date.now() / 1000),
  newId: () => randomBytes(12).toString('hex'),
  mediaFetcher: new MediaFetcher(resolveHost)
}

export function createAdapter (settings: ProviderSettings, context: AdapterContext = world): Adapter {
  const stored = createStored(settings, context)
  // The client's own key stands in the settings for the stored ones, for this job only. It takes some 5 us, and nothing made of the secret is kept.
  const openDirect = (job: JobFrame): AdapterCall => createStored({ ...settings, keys: [{ ...directKey, value: job.directKey }] }, context).open({ ...job, keyIndex: 0 })
  return {
    open: (job) => job.directKey === '' ? stored.open(job) : openDirect(job),
    // Whatever the key.
    isWhole: (job) => stored.isWhole?.(job) === true
  }
}

/** For the keys in the settings. */
function createStored (settings: ProviderSettings, context: AdapterContext): Adapter {
  const create = families[settings.kind]
  if (create === undefined) throw new RangeError(`${settings.kind} has no wire format`)
  const family = create(settings, createFetch(settings.proxy))
  const translated = createFamilyAdapter(family, settings, context)
  const native = openAiNatives[settings.kind]
  if (native === undefined) return translated
  const bytesThrough = native.create(settings, family)
  const isTaken = (job: JobFrame): boolean => job.dialect === 'openai' && native.takes(job, settings)
  return {
    open: (job) => (isTaken(job) ? bytesThrough : translated).open(job),
    isWhole: (job) => job.relay && !isTaken(job) && translated.isWhole?.(job) === true
  }
}
