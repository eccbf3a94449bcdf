/** Tokens that an attempt used, as the provider counted them; 0 where it did not say. The two sums hold the others. */
export interface Usage {
  inputTokens: number
  outputTokens: number
  /** Of the input: read from a prompt cache. */
  cachedTokens: number
  /** Of the input: written to one. */
  cacheWriteTokens: number
  /** Of the output. */
  reasoningTokens: number
  /** Of the input. */
  audioInputTokens: number
  /** Of the output. */
  audioOutputTokens: number
  /** Of the output: not counted by the provider, but estimated, since the stream was left before it said. */
  estimatedTokens: number
}

/** In the order of the frames. */
export const usageFields = ['inputTokens', 'outputTokens', 'cachedTokens', 'cacheWriteTokens', 'reasoningTokens', 'audioInputTokens', 'audioOutputTokens', 'estimatedTokens'] as const satisfies (keyof Usage)[]

export function createUsage (inputTokens = 0, outputTokens = 0): Usage {
  return { inputTokens, outputTokens, cachedTokens: 0, cacheWriteTokens: 0, reasoningTokens: 0, audioInputTokens: 0, audioOutputTokens: 0, estimatedTokens: 0 }
}

export const noUsage: Readonly<Usage> = Object.freeze(createUsage())

/** Who wants to know what a stream had used when it was cancelled. */
export interface LateUsage {
  /** `completeUsage` will be called, later and once. */
  awaitUsage (): void
  completeUsage (usage: Usage, costUsd: number | null, upstreamMicroseconds: number): void
}
