/** Cohere's counts as a client reads them. */
export interface CohereUsage {
  billed_units: { input_tokens: number, output_tokens: number }
  tokens: { input_tokens: number, output_tokens: number, reasoning_tokens?: number }
  cached_tokens?: number
}

export type CohereContent = { type: 'text', text: string } | { type: 'thinking', thinking: string }

/** Marks a reasoning detail that is Cohere's `thinking` block. */
export const thinkingFormat = 'cohere'
/** Marks a reasoning detail that is Cohere's `tool_plan`. */
export const toolPlanFormat = 'cohere-tool-plan'
