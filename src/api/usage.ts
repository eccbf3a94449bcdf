/** Tokens that an attempt used, as the provider counted them; 0 where it did not say. */
export interface Usage {
  inputTokens: number
  outputTokens: number
}
