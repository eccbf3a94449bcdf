import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createUsage } from '../../src/api/usage.ts'
import type { Usage } from '../../src/api/usage.ts'
import { PriceTable, toUsdText } from '../../src/prices/price-table.ts'
import { createProvider } from '../router/settings.ts'

const table = new PriceTable(() => 0)

function costOf (provider: string, model: string, usage: Partial<Usage>): number | null {
  return table.costUsd(createProvider(provider), model, { ...createUsage(), ...usage })
}

/** To a hundredth of a millionth of a dollar. */
function assertUsd (actual: number | null, expected: number): void {
  assert.ok(actual !== null && Math.abs(actual - expected) < 1e-8, `${String(actual)}, not ${expected}`)
}

// The vendors' published prices, in USD per million tokens.
test('tokens cost what the vendor says, cached ones less', () => {
  // gpt-4o-mini: 0.15 in, 0.075 cached, 0.60 out
  assertUsd(costOf('openai', 'gpt-4o-mini', { inputTokens: 1_000_000 }), 0.15)
  assertUsd(costOf('openai', 'gpt-4o-mini', { inputTokens: 1_000, cachedTokens: 600, outputTokens: 200, reasoningTokens: 150 }), (400 * 0.15 + 600 * 0.075 + 200 * 0.60) / 1e6)
  // Claude Opus 4.6: 5 in, 0.50 cache read, 6.25 cache write, 25 out
  assertUsd(costOf('anthropic', 'claude-opus-4-6', { inputTokens: 10_000, cachedTokens: 7_000, cacheWriteTokens: 2_000, outputTokens: 100 }), (1_000 * 5 + 7_000 * 0.5 + 2_000 * 6.25 + 100 * 25) / 1e6)
  // text-embedding-3-small: 0.02
  assertUsd(costOf('openai', 'text-embedding-3-small', { inputTokens: 5_000 }), 0.0001)
  // gpt-4o-realtime-preview: 5 in and 40 for audio, 20 out and 80 for audio
  assertUsd(costOf('openai', 'gpt-4o-realtime-preview', { inputTokens: 100, audioInputTokens: 60, outputTokens: 50, audioOutputTokens: 20 }), (40 * 5 + 60 * 40 + 30 * 20 + 20 * 80) / 1e6)
})

test('a price with tiers counts by how much is asked', () => {
  // Gemini 2.5 Pro: 1.25 in, 10 out; above 200,000 tokens of input 2.50 and 15
  assertUsd(costOf('gemini', 'gemini-2.5-pro', { inputTokens: 100_000, outputTokens: 1_000 }), (100_000 * 1.25 + 1_000 * 10) / 1e6)
  assertUsd(costOf('gemini', 'gemini-2.5-pro', { inputTokens: 199_999, cachedTokens: 100_000 }), (99_999 * 1.25 + 100_000 * 0.125) / 1e6)
  assertUsd(costOf('vertex', 'gemini-2.5-pro', { inputTokens: 300_000, outputTokens: 1_000 }), (300_000 * 2.5 + 1_000 * 15) / 1e6)
})

test('Bedrock names may begin with where the model is served', () => {
  const usage = { inputTokens: 1_000, outputTokens: 1_000 }
  assertUsd(costOf('bedrock', 'anthropic.claude-sonnet-4-20250514-v1:0', usage), 0.018)
  assertUsd(costOf('bedrock', 'us.anthropic.claude-sonnet-4-20250514-v1:0', usage), 0.018)
})

test('no price is null, never 0', () => {
  assert.equal(costOf('openai', 'no-such-model', { inputTokens: 1 }), null)
  assert.equal(costOf('my-custom-provider', 'gpt-4o-mini', { inputTokens: 1 }), null)
  assert.equal(costOf('ollama', 'llama3.2', { inputTokens: 1 }), null)
})

test('an answer whose tokens nobody counted, sound for instance, has a price only where none depends on them', () => {
  assert.equal(costOf('openai', 'gpt-4o-mini-tts', {}), null)
  assert.equal(costOf('openai', 'gpt-4o-mini', {}), null)
  const none = { cachedInputUsd: undefined, cacheWriteUsd: undefined }
  const provider = createProvider('openai', { prices: { 'tts-1': { inputUsd: 0, outputUsd: 0, ...none, requestUsd: 0.015 }, 'gpt-4o-mini': { inputUsd: 1, outputUsd: 2, ...none, requestUsd: 0.01 } } })
  assert.equal(table.costUsd(provider, 'tts-1', createUsage()), 0.015)
  assert.equal(table.costUsd(provider, 'gpt-4o-mini', createUsage()), null)
})

test('the config comes first, and what it leaves out costs as plain input', () => {
  const provider = createProvider('openai', { prices: { 'gpt-4o-mini': { inputUsd: 1, outputUsd: 2, cachedInputUsd: undefined, cacheWriteUsd: 3, requestUsd: 0.01 }, free: { inputUsd: 0, outputUsd: 0, cachedInputUsd: undefined, cacheWriteUsd: undefined, requestUsd: 0 } } })
  assertUsd(table.costUsd(provider, 'gpt-4o-mini', { ...createUsage(1_000, 100), cachedTokens: 500, cacheWriteTokens: 100 }), 0.01 + (900 * 1 + 100 * 3 + 100 * 2) / 1e6)
  assert.equal(table.costUsd(provider, 'free', createUsage(1_000, 1_000)), 0)
  assert.equal(table.costUsd(provider, 'constructor', createUsage(1, 1)), null)
})

test('details above their sum cost no more than the sum', () => {
  assertUsd(costOf('openai', 'gpt-4o-mini', { inputTokens: 10, cachedTokens: 1_000 }), 10 * 0.075 / 1e6)
})

test('a cost is written without an exponent', () => {
  assert.deepEqual([0, 1, 0.5, 0.0000001725, 12.3450000001, 1e-12].map(toUsdText), ['0', '1', '0.5', '0.0000001725', '12.3450000001', '0'])
})
