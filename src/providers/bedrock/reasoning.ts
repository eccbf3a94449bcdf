import type { ChatRequest, JsonObject } from '../../api/chat.ts'
import type { TranslationContext } from '../family.ts'
import type { ConverseMessage } from './wire.ts'

/** What a request for thought becomes: members for the model itself, and Converse's own word for effort. */
export interface ReasoningFields {
  additional: JsonObject
  effort?: string
  /** Claude thinks by a budget; it samples as it likes then. */
  isBudgeted: boolean
}

/** Tokens of thought for an effort, where a model knows budgets only. */
const budgets: Readonly<Record<string, number>> = { minimal: 1_024, low: 2_048, medium: 8_192, high: 16_384, xhigh: 32_768, max: 32_768 }
const budgetTokensMin = 1_024
/** Largest budget that counts as this effort, where a model knows efforts only. */
const effortsByBudget: readonly [number, string][] = [[2_048, 'low'], [8_192, 'medium'], [Infinity, 'high']]
const none: ReasoningFields = { additional: {}, isBudgeted: false }

export function toReasoningFields (request: ChatRequest, messages: readonly ConverseMessage[], context: TranslationContext): ReasoningFields {
  const { effort, budget } = wanted(request)
  if (effort === null && budget === null) return none
  const { model } = context
  const named = effort ?? effortOf(budget as number)
  if (isClaude(model)) return isAdaptive(model) ? { additional: { thinking: { type: 'adaptive' } }, effort: named === 'minimal' ? 'low' : named, isBudgeted: false } : toBudget(budget ?? budgets[named] ?? budgetTokensMin, request, messages, context)
  if (/nova/.test(model)) return { additional: { reasoningConfig: { type: 'enabled', maxReasoningEffort: toThree(named) } }, isBudgeted: false }
  if (/gpt-oss/.test(model)) return { additional: { reasoning_effort: toThree(named) }, isBudgeted: false }
  return refuse(request, context)
}

export function isClaude (model: string): boolean {
  return /claude/.test(model)
}

/** @returns null twice when the client leaves it to the model, or wants no thought, which is what they do unasked */
function wanted ({ reasoning, reasoning_effort: plain }: ChatRequest): { effort: string | null, budget: number | null } {
  const effort = reasoning?.effort ?? plain ?? (reasoning?.enabled === true ? 'medium' : null)
  const budget = reasoning?.max_tokens ?? null
  if (effort === 'none' || reasoning?.enabled === false || budget === 0) return { effort: null, budget: null }
  return { effort: budget === null ? effort : null, budget }
}

function toBudget (wantedTokens: number, request: ChatRequest, messages: readonly ConverseMessage[], context: TranslationContext): ReasoningFields {
  const max = request.max_completion_tokens ?? request.max_tokens ?? Infinity
  const budget = Math.max(budgetTokensMin, Math.min(wantedTokens, max - 1))
  // A budget must be smaller than the whole answer, and a call that was made without thought cannot be gone on with by thinking.
  if (budget >= max || callsWithoutThought(messages)) return refuse(request, context)
  return { additional: { thinking: { type: 'enabled', budget_tokens: budget } }, isBudgeted: true }
}

/** Whether the turn under way calls tools and its thoughts are not there: clients of OpenAI's API give none back. */
function callsWithoutThought (messages: readonly ConverseMessage[]): boolean {
  const last = messages.findLast(({ role }) => role === 'assistant')
  const first = last?.content[0]
  return last?.content.some((block) => 'toolUse' in block) === true && first !== undefined && !('reasoningContent' in first)
}

function refuse (request: ChatRequest, context: TranslationContext): ReasoningFields {
  context.drop(request.reasoning === null || request.reasoning === undefined ? 'reasoning_effort' : 'reasoning')
  return none
}

function effortOf (budget: number): string {
  return (effortsByBudget.find(([max]) => budget <= max) as [number, string])[1]
}

/** Models with three levels. */
function toThree (effort: string): string {
  return effort === 'minimal' || effort === 'low' ? 'low' : effort === 'medium' ? 'medium' : 'high'
}

/** From 4.6 on, Claude decides itself how much to think. */
function isAdaptive (model: string): boolean {
  const [, major = '0', minor = '0'] = /claude-(?:[a-z]+-)?(\d)(?:-(\d)(?!\d))?/.exec(model) ?? []
  return Number(major) * 10 + Number(minor) >= 46
}
