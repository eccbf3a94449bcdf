import type { ChatRequest, JsonObject } from '../../api/chat.ts'
import { isRecord, membersOf } from './members.ts'
import { toJsonSchema } from './schema.ts'

const sameMeaning: Readonly<Record<string, keyof ChatRequest & string>> = {
  temperature: 'temperature',
  topP: 'top_p',
  topK: 'top_k',
  seed: 'seed',
  candidateCount: 'n',
  maxOutputTokens: 'max_completion_tokens',
  stopSequences: 'stop',
  presencePenalty: 'presence_penalty',
  frequencyPenalty: 'frequency_penalty',
  responseLogprobs: 'logprobs',
  logprobs: 'top_logprobs'
}

/** @returns canonical members, and what they do not say, in Google's words */
export function fromGenerationConfig (value: unknown): { said: Partial<ChatRequest>, rest: JsonObject } {
  const { thinkingConfig, responseMimeType, responseSchema, responseJsonSchema, responseModalities, ...config } = membersOf(value, 'generationConfig')
  const said: JsonObject = {}
  const rest: JsonObject = {}
  for (const [name, member] of Object.entries(config)) {
    const canonical = sameMeaning[name]
    if (canonical === undefined) rest[name] = member
    else said[canonical] = member
  }
  const schema = isRecord(responseJsonSchema) ? responseJsonSchema : isRecord(responseSchema) ? toJsonSchema(responseSchema) : null
  if (responseMimeType === 'application/json') said['response_format'] = schema === null ? { type: 'json_object' } : { type: 'json_schema', json_schema: { name: 'response', schema } }
  else if (responseMimeType !== undefined && responseMimeType !== 'text/plain') Object.assign(rest, { responseMimeType, ...responseSchema === undefined ? {} : { responseSchema } })
  if (Array.isArray(responseModalities)) said['modalities'] = responseModalities.map((modality) => String(modality).toLowerCase())
  if (thinkingConfig !== undefined) {
    said['reasoning'] = toReasoning(membersOf(thinkingConfig, 'generationConfig.thinkingConfig'))
    // A budget of 0 or -1, a level without thoughts: for Gemini itself, word for word.
    rest['thinkingConfig'] = thinkingConfig
  }
  return { said, rest }
}

function toReasoning ({ thinkingLevel: level, thinkingBudget: budget }: JsonObject): ChatRequest['reasoning'] {
  if (budget === 0) return { enabled: false }
  if (typeof budget === 'number' && budget > 0) return { max_tokens: budget }
  if (typeof level === 'string' && level !== 'THINKING_LEVEL_UNSPECIFIED') return { effort: level.toLowerCase() }
  return { enabled: true }
}
