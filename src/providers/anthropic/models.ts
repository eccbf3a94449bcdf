/** What a Claude model takes. */
export interface ModelTraits {
  /** Most that `max_tokens` may be, and what stands for it when the client says nothing. */
  outputTokensMax: number
  /** `temperature`, `top_p` and `top_k` are no errors. */
  takesSampling: boolean
  /** `budget` only `enabled` with a budget, `adaptive` only that, `both`, or no thinking at all. */
  thinking: 'none' | 'budget' | 'both' | 'adaptive'
  /** `thinking` may be `disabled`; where it may not, the model always thinks. */
  takesDisabledThinking: boolean
  /** Goes on from a last message of the assistant; others answer 400 to one. */
  takesPrefill: boolean
  /** `tool_choice` may be `any` or a tool. */
  takesForcedTool: boolean
  /** `output_config.format`, and `strict` of tools. */
  takesStructuredOutput: boolean
  /** Values of `output_config.effort`, from little to much; empty: the member is unknown. */
  efforts: readonly string[]
}

const plain: ModelTraits = {
  outputTokensMax: 4_096, takesSampling: true, thinking: 'none', takesDisabledThinking: true, takesPrefill: true, takesForcedTool: true, takesStructuredOutput: false, efforts: []
}
const withBudget: ModelTraits = { ...plain, outputTokensMax: 32_000, thinking: 'budget' }
const fourFive: ModelTraits = { ...withBudget, outputTokensMax: 64_000, takesStructuredOutput: true }
const fourSix: ModelTraits = { ...fourFive, outputTokensMax: 128_000, thinking: 'both', takesPrefill: false, efforts: ['low', 'medium', 'high', 'max'] }
const fourSeven: ModelTraits = { ...fourSix, takesSampling: false, efforts: ['low', 'medium', 'high', 'xhigh', 'max'] }
const adaptiveOnly: ModelTraits = { ...fourSeven, thinking: 'adaptive' }
const alwaysThinks: ModelTraits = { ...adaptiveOnly, takesDisabledThinking: false }

/**
 * By what the model's name holds, first match wins: clouds put a prefix, a date or a version around it. Source of the figures and
 * of what is refused: `getModelCapabilities` of @ai-sdk/anthropic 3.0.140, which cites Anthropic's model comparison; Claude 3.5 and
 * 3.7 by Anthropic's documentation of their time; that none from 4.6 on takes a prefill, "What's new in Claude 4.6" of the same.
 */
const table: readonly [RegExp, ModelTraits][] = [
  [/claude-(?:(?:sonnet|opus)-5-5|fable-5-[1-9]|mythos-5-[1-9])/, { ...alwaysThinks, takesForcedTool: false }],
  [/claude-haiku-5-5/, adaptiveOnly],
  [/claude-(?:fable|mythos)-/, alwaysThinks],
  [/claude-(?:opus-5|sonnet-5|opus-4-[78])/, fourSeven],
  [/claude-(?:sonnet|opus)-4-6/, fourSix],
  [/claude-(?:sonnet|opus|haiku)-4-5/, fourFive],
  [/claude-opus-4-1(?!\d)/, { ...withBudget, takesStructuredOutput: true }],
  [/claude-(?:sonnet-4|3-7-sonnet)/, { ...withBudget, outputTokensMax: 64_000 }],
  [/claude-opus-4/, withBudget],
  [/claude-3-5/, { ...plain, outputTokensMax: 8_192 }],
  [/claude-(?:instant|v?[23])(?![\d])/, plain],
  // A Claude that this table does not know is newer than the table.
  [/claude-/, fourSeven]
]

/** @returns what is safe with everybody for a model that is no Claude */
export function traitsOf (model: string): ModelTraits {
  return table.find(([name]) => name.test(model))?.[1] ?? plain
}
