import type { ChatRequest, JsonObject } from '../../api/chat.ts'
import type { TranslationContext } from '../family.ts'
import type { ModelTraits } from './models.ts'
import { toSubset } from './schema.ts'

/** Members that differ in nothing but their name. */
const sameMeaning: readonly [keyof ChatRequest & string, string][] = [
  ['temperature', 'temperature'],
  ['top_p', 'topP'],
  ['top_k', 'topK'],
  ['seed', 'seed'],
  ['n', 'candidateCount'],
  ['presence_penalty', 'presencePenalty'],
  ['frequency_penalty', 'frequencyPenalty']
]

/** `generationConfig`: how to answer, beside the tools. */
export function toGenerationConfig (request: ChatRequest, traits: ModelTraits, context: TranslationContext): JsonObject {
  const config: JsonObject = {}
  for (const [from, to] of sameMeaning) if (isSaid(request[from])) config[to] = request[from]
  const tokensMax = request.max_completion_tokens ?? request.max_tokens
  if (isSaid(tokensMax)) config['maxOutputTokens'] = tokensMax
  const { stop } = request
  if (isSaid(stop)) config['stopSequences'] = typeof stop === 'string' ? [stop] : stop
  addLogprobs(request, config)
  addFormat(request, traits, config, context)
  const { modalities } = request
  if (Array.isArray(modalities) && modalities.some((modality) => modality !== 'text')) config['responseModalities'] = modalities.map((modality) => String(modality).toUpperCase())
  const thinking = toThinking(request, traits, context)
  if (thinking !== null) config['thinkingConfig'] = thinking
  return config
}

function isSaid (value: unknown): boolean {
  return value !== undefined && value !== null
}

function addLogprobs ({ logprobs, top_logprobs: top }: ChatRequest, config: JsonObject): void {
  if (logprobs !== true) return
  config['responseLogprobs'] = true
  if (isSaid(top)) config['logprobs'] = top
}

function addFormat ({ response_format: format, tools }: ChatRequest, traits: ModelTraits, config: JsonObject, context: TranslationContext): void {
  if (format === undefined || format === null || format.type === 'text') return
  // Before Gemini 3 the two exclude each other, and a request without its tools would be another request.
  if (isSaid(tools) && (tools as unknown[]).length > 0 && !traits.isThird) return context.drop('response_format')
  config['responseMimeType'] = 'application/json'
  const schema = format.type === 'json_schema' ? format.json_schema?.schema : undefined
  if (schema === undefined) return
  if (traits.jsonSchema) config['responseJsonSchema'] = schema
  else config['responseSchema'] = toSubset(schema)
}

/** Tokens by effort, as Google's own OpenAI endpoint counts them. */
const budgets: Readonly<Record<string, number>> = { minimal: 1_024, low: 1_024, medium: 8_192, high: 24_576, xhigh: 24_576, max: 24_576 }
const levels: Readonly<Record<string, string>> = { minimal: 'MINIMAL', low: 'LOW', medium: 'MEDIUM', high: 'HIGH', xhigh: 'HIGH', max: 'HIGH' }
/** Gemini 2.5 Pro takes no less. */
const budgetMin = 128

/** @returns null when nothing is said about thinking, or the model does not think */
function toThinking ({ reasoning, reasoning_effort: plainEffort }: ChatRequest, traits: ModelTraits, context: TranslationContext): JsonObject | null {
  const effort = reasoning?.enabled === false ? 'none' : reasoning?.effort ?? (isSaid(reasoning?.max_tokens) ? null : plainEffort)
  const tokensMax = reasoning?.max_tokens
  if (!isSaid(effort) && !isSaid(tokensMax) && reasoning?.enabled !== true) return null
  const asked = isSaid(reasoning) ? 'reasoning' : 'reasoning_effort'
  if (traits.thinking === 'none') {
    if (effort !== 'none') context.drop(asked)
    return null
  }
  if (effort === 'none') return toNoThinking(traits)
  if (typeof tokensMax === 'number') return { thinkingBudget: tokensMax, includeThoughts: true }
  if (typeof effort !== 'string') return { includeThoughts: true }
  const amount = traits.thinking === 'level' ? levels[effort] : budgets[effort]
  if (amount === undefined) {
    context.drop(asked)
    return null
  }
  // Gemini's Pro models know no MINIMAL.
  if (traits.thinking === 'level') return { thinkingLevel: amount === 'MINIMAL' && traits.alwaysThinks ? 'LOW' : amount, includeThoughts: true }
  return { thinkingBudget: amount, includeThoughts: true }
}

/** Or as little as the model does. */
function toNoThinking ({ thinking, alwaysThinks }: ModelTraits): JsonObject {
  if (thinking === 'level') return { thinkingLevel: alwaysThinks ? 'LOW' : 'MINIMAL' }
  return { thinkingBudget: alwaysThinks ? budgetMin : 0 }
}
