import { createRequire } from 'node:module'
import type { calcPrice } from '@pydantic/genai-prices'
import type { ModelPriceSettings, ProviderSettings } from '../api/settings.ts'
import type { Usage } from '../api/usage.ts'

/** USD per token, and per request. */
interface Rates {
  request: number
  input: number
  cached: number
  cacheWrite: number
  audioInput: number
  output: number
  audioOutput: number
}

interface Entry {
  /** Null: nobody knows the price. */
  rates: Rates | null
  /** The rates hold below so many tokens, of input and output each; from there on the price has tiers and the library says it. */
  flatBelowTokens: number
  expiresMs: number
}

/** Model names come from clients, so the map is emptied when it is full. */
const entriesMax = 1_000
/** Prices may begin on a date or depend on the hour; one is looked up again after this, in milliseconds. */
const entryMs = 10 * 60_000
const tokensPerMillion = 1_000_000

/** Provider names of the gateway -> of the price data, where they differ. */
const dataNames: Readonly<Record<string, string>> = { gemini: 'google', vertex: 'google', bedrock: 'aws', xai: 'x-ai' }
/** Before a model's own name on Bedrock: where it is served. */
const regionPrefix = /^(?:us|us-gov|eu|apac|global|jp|au|ca)\./

/**
 * What a request cost. The data is @pydantic/genai-prices', which is shipped with the gateway; the config's own prices come first. The library
 * takes some 50 us for a price, so what it says of a model is kept as rates; it is asked again only where a price has tiers and the request reaches the first one.
 */
export class PriceTable {
  private readonly nowMs: () => number
  /** By provider and model: to put a name together out of both would cost more than to find it. */
  private readonly entries = new Map<string, Map<string, Entry>>()
  private size = 0

  /** @param nowMs on a clock that only goes forward */
  constructor (nowMs: () => number) {
    this.nowMs = nowMs
  }

  /** @returns null when the price is not known; 0 only for what is free */
  costUsd (provider: ProviderSettings, model: string, usage: Usage): number | null {
    const own = Object.hasOwn(provider.prices, model) ? provider.prices[model] : undefined
    // Sound, images and files may come without a count: what a token costs then says nothing.
    if (usage.inputTokens === 0 && usage.outputTokens === 0) return own !== undefined && own.inputUsd === 0 && own.outputUsd === 0 ? own.requestUsd : null
    if (own !== undefined) return applyRates(toRates(own), usage)
    const { rates, flatBelowTokens } = this.entryOf(provider.name, model)
    if (rates === null) return null
    return Math.max(usage.inputTokens, usage.outputTokens) < flatBelowTokens ? applyRates(rates, usage) : priceOf(provider.name, model, toLibraryUsage(usage))
  }

  private entryOf (provider: string, model: string): Entry {
    const nowMs = this.nowMs()
    const known = this.entries.get(provider)?.get(model)
    if (known !== undefined && known.expiresMs > nowMs) return known
    if (this.size >= entriesMax) {
      this.entries.clear()
      this.size = 0
    }
    const entry = { ...lookUp(provider, model), expiresMs: nowMs + entryMs }
    const models = this.entries.get(provider) ?? new Map<string, Entry>()
    this.entries.set(provider, models.set(model, entry))
    if (known === undefined) this.size++
    return entry
  }
}

function lookUp (provider: string, model: string): Pick<Entry, 'rates' | 'flatBelowTokens'> {
  const found = find(provider, model, { input_tokens: 0, output_tokens: 0 })
  if (found === null) return { rates: null, flatBelowTokens: Infinity }
  const starts = Object.values(found.model_price).flatMap((price) => typeof price === 'object' ? price.tiers.map(({ start }) => start) : [])
  const flatBelowTokens = Math.min(Infinity, ...starts)
  // Up to there the price is linear, so that many of each say what one costs.
  const count = Math.min(tokensPerMillion, Math.max(1, Math.floor(flatBelowTokens / 2)))
  return { rates: toLinearRates(provider, model, found.total_price, count), flatBelowTokens }
}

function toLinearRates (provider: string, model: string, request: number, count: number): Rates {
  const perToken = (usage: Record<string, number>): number => ((priceOf(provider, model, usage) ?? 0) - request) / count
  const [input, output] = [perToken({ input_tokens: count, output_tokens: 0 }), perToken({ input_tokens: 0, output_tokens: count })]
  return {
    request,
    input,
    output,
    cached: perToken({ input_tokens: count, output_tokens: 0, cache_read_tokens: count }),
    cacheWrite: perToken({ input_tokens: count, output_tokens: 0, cache_write_tokens: count }),
    audioInput: perToken({ input_tokens: count, output_tokens: 0, input_audio_tokens: count }),
    audioOutput: perToken({ input_tokens: 0, output_tokens: count, output_audio_tokens: count })
  }
}

let library: { calcPrice: typeof calcPrice } | null = null

/** Loaded at the first price at the latest: it takes 30 ms, which a start that something waits for does not have. */
export function loadPrices (): { calcPrice: typeof calcPrice } {
  return (library ??= createRequire(import.meta.url)('@pydantic/genai-prices') as { calcPrice: typeof calcPrice })
}

/** Bedrock's ids may say first where the model is served; the price data does not know all of those names. */
function find (provider: string, model: string, usage: Record<string, number>): ReturnType<typeof calcPrice> {
  const providerId = dataNames[provider] ?? provider
  for (const name of provider === 'bedrock' ? [model, model.replace(regionPrefix, '')] : [model]) {
    try {
      const found = loadPrices().calcPrice(usage, name, { providerId })
      if (found !== null) return found
    } catch {
      // It knows the model, but no price for this kind of token.
    }
  }
  return null
}

function priceOf (provider: string, model: string, usage: Record<string, number>): number | null {
  return find(provider, model, usage)?.total_price ?? null
}

function toLibraryUsage ({ inputTokens, outputTokens, cachedTokens, cacheWriteTokens, audioInputTokens, audioOutputTokens }: Usage): Record<string, number> {
  const usage: Record<string, number> = { input_tokens: inputTokens, output_tokens: outputTokens }
  if (cachedTokens > 0) usage['cache_read_tokens'] = cachedTokens
  if (cacheWriteTokens > 0) usage['cache_write_tokens'] = cacheWriteTokens
  if (audioInputTokens > 0) usage['input_audio_tokens'] = audioInputTokens
  if (audioOutputTokens > 0) usage['output_audio_tokens'] = audioOutputTokens
  return usage
}

function toRates ({ inputUsd, outputUsd, cachedInputUsd, cacheWriteUsd, requestUsd }: ModelPriceSettings): Rates {
  const input = inputUsd / tokensPerMillion
  const output = outputUsd / tokensPerMillion
  return { request: requestUsd, input, output, cached: (cachedInputUsd ?? inputUsd) / tokensPerMillion, cacheWrite: (cacheWriteUsd ?? inputUsd) / tokensPerMillion, audioInput: input, audioOutput: output }
}

/** The sums hold the details: what costs otherwise is taken out of them. */
function applyRates (rates: Rates, usage: Usage): number {
  const { cacheWriteTokens, audioInputTokens, audioOutputTokens } = usage
  // Some hosts of other makers' models count what was read from a cache beside the input.
  const cachedTokens = Math.min(usage.cachedTokens, usage.inputTokens)
  const plainInput = Math.max(0, usage.inputTokens - cachedTokens - cacheWriteTokens - audioInputTokens)
  const plainOutput = Math.max(0, usage.outputTokens - audioOutputTokens)
  return rates.request + plainInput * rates.input + cachedTokens * rates.cached + cacheWriteTokens * rates.cacheWrite + audioInputTokens * rates.audioInput +
    plainOutput * rates.output + audioOutputTokens * rates.audioOutput
}

/** As it stands in headers and bodies: no exponent, no trailing zeros. */
export function toUsdText (usd: number): string {
  const text = usd.toFixed(10)
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text
}
