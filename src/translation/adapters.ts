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
import { createAzureAdapter } from '../providers/azure/adapter.ts'
import { isPlain } from '../providers/mistral/plain.ts'
import { createOpenAiAdapter } from '../providers/openai/adapter.ts'

type Kind = ProviderSettings['kind']

/** Clouds fetch tokens from elsewhere. */
type CreateFamily = (settings: ProviderSettings, fetch: Fetch) => Family

/**
 * Every wire format that the gateway speaks to providers, by `ProviderSettings.kind`; the mock is no wire format. A thread loads the one of its provider: all
 * together they take longer than the rest of a start but undici.
 */
const families: Readonly<Partial<Record<Kind, () => Promise<CreateFamily>>>> = {
  anthropic: async () => (await import('../providers/anthropic/provider.ts')).createAnthropicFamily,
  azure: async () => {
    const { createAzureFamily, toWorld } = await import('../providers/azure/provider.ts')
    return (settings, fetch) => createAzureFamily(settings, toWorld(fetch))
  },
  bedrock: async () => {
    const { createBedrockFamily, toWorld } = await import('../providers/bedrock/provider.ts')
    return (settings, fetch) => createBedrockFamily(settings, toWorld(fetch))
  },
  cohere: async () => (await import('../providers/cohere/provider.ts')).createCohereFamily,
  gemini: async () => (await import('../providers/gemini/provider.ts')).createGeminiFamily,
  mistral: async () => (await import('../providers/mistral/provider.ts')).createMistralFamily,
  ollama: async () => (await import('../providers/ollama/provider.ts')).createOllamaFamily,
  openai: async () => (await import('../providers/openai/provider.ts')).createOpenAiFamily,
  vertex: async () => {
    const { createVertexFamily, toWorld } = await import('../providers/vertex/provider.ts')
    return (settings, fetch) => createVertexFamily(settings, toWorld(settings.proxy === null ? null : fetch))
  }
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

export type CreateAdapter = (settings: ProviderSettings, context?: AdapterContext) => Adapter

/** @returns what makes adapters for providers of this kind, and of no other */
export async function loadAdapters (kind: Kind): Promise<CreateAdapter> {
  const load = families[kind]
  if (load === undefined) return () => { throw new RangeError(`${kind} has no wire format`) }
  const createFamily = await load()
  return (settings, context = world) => {
    if (settings.kind !== kind) throw new RangeError(`${settings.name} is ${settings.kind}, and only ${kind} is loaded`)
    return createAdapter(settings, createFamily, context)
  }
}

function createAdapter (settings: ProviderSettings, createFamily: CreateFamily, context: AdapterContext): Adapter {
  const stored = createStored(settings, createFamily, context)
  // The client's own key stands in the settings for the stored ones, for this job only. It takes some 5 us, and nothing made of the secret is kept.
  const openDirect = (job: JobFrame): AdapterCall => createStored({ ...settings, keys: [{ ...directKey, value: job.directKey }] }, createFamily, context).open({ ...job, keyIndex: 0 })
  return {
    open: (job) => job.directKey === '' ? stored.open(job) : openDirect(job),
    // Whatever the key.
    isWhole: (job) => stored.isWhole?.(job) === true
  }
}

/** For the keys in the settings. */
function createStored (settings: ProviderSettings, createFamily: CreateFamily, context: AdapterContext): Adapter {
  const family = createFamily(settings, createFetch(settings.proxy))
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
