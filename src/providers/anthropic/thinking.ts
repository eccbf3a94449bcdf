import type { ChatRequest, JsonObject } from '../../api/chat.ts'
import type { TranslationContext } from '../family.ts'
import type { ModelTraits } from './models.ts'

/** Least budget that Anthropic takes, in tokens. */
const budgetMin = 1_024
/** Share of what lies between the least budget and `max_tokens`, for models that know no effort; the original's figures. */
const budgetShares: ReadonlyMap<string, number> = new Map([['minimal', 0.025], ['low', 0.15], ['medium', 0.425], ['high', 0.925], ['xhigh', 0.925], ['max', 0.925]])
const usualShare = 0.425

export interface Thinking {
  thinking: JsonObject | null
  effort: string | null
}

const silent: Thinking = { thinking: null, effort: null }

/** How much the model is to think, in its own terms. @param mayStart false where Anthropic allows no thinking to begin */
export function toThinking (request: ChatRequest, traits: ModelTraits, tokensMax: number, mayStart: boolean, context: TranslationContext): Thinking {
  const asked = request.reasoning ?? {}
  const effort = asked.effort ?? request.reasoning_effort ?? null
  const budget = asked.max_tokens ?? null
  const name = request.reasoning === undefined || request.reasoning === null ? 'reasoning_effort' : 'reasoning'
  const isOff = asked.enabled === false || (effort === 'none' && budget === null)
  if (!isOff && effort === null && budget === null && asked.enabled !== true) return silent
  const refuse = (): Thinking => {
    context.drop(name)
    return silent
  }
  if (isOff) {
    // Where thinking is off by itself, older models do not know the word for it.
    if (traits.efforts.length === 0) return silent
    return traits.takesDisabledThinking ? { thinking: { type: 'disabled' }, effort: null } : refuse()
  }
  if (traits.thinking === 'none' || !mayStart) return refuse()
  const summary = typeof asked.summary === 'string' && traits.thinking !== 'budget' ? { display: 'summarized' } : {}
  if (traits.thinking === 'budget' || (budget !== null && traits.thinking === 'both')) {
    const tokens = Math.min(Math.max(budget ?? toBudget(effort, tokensMax), budgetMin), tokensMax - 1)
    return tokens < budgetMin ? refuse() : { thinking: { type: 'enabled', budget_tokens: tokens, ...summary }, effort: toEffort(effort, traits) }
  }
  if (budget !== null) context.drop('reasoning.max_tokens')
  return { thinking: { type: 'adaptive', ...summary }, effort: toEffort(effort, traits) }
}

function toBudget (effort: string | null, tokensMax: number): number {
  const share = budgetShares.get(effort ?? '') ?? usualShare
  return Math.floor(budgetMin + share * (tokensMax - budgetMin))
}

/** The same effort, or the one next to it that the model knows. */
function toEffort (effort: string | null, { efforts }: ModelTraits): string | null {
  if (effort === null || efforts.length === 0) return null
  if (efforts.includes(effort)) return effort
  return effort === 'minimal' ? 'low' : effort === 'xhigh' || effort === 'max' ? 'high' : null
}
