import type { ChatReply, ChatRequest, ChatUsage, FinishReason, JsonObject } from '../../api/chat.ts'
import { invalid, isRecord, shown } from '../checks.ts'
import type { ChatDialect } from '../dialect.ts'
import { ChunkEncoder } from './chunk-encoder.ts'
import { CompletionEncoder } from './completion-encoder.ts'

/** The words of one family of models that complete a text. */
interface Words {
  question: string
  /** What is asked beside the question; members of the body that it does not name go along. */
  toMembers (body: JsonObject): JsonObject
  toAnswer (text: string, reason: FinishReason, usage: ChatUsage | undefined): JsonObject
  toPiece (text: string): JsonObject
  toLast (reason: FinishReason, usage: ChatUsage | undefined): JsonObject
}

const titanReasons: Readonly<Record<FinishReason, string>> = { stop: 'FINISH', length: 'LENGTH', tool_calls: 'FINISH', content_filter: 'CONTENT_FILTERED' }

const titan: Words = {
  question: 'inputText',
  toMembers ({ inputText: _text, textGenerationConfig: config, ...rest }) {
    const { maxTokenCount, temperature, topP, stopSequences } = isRecord(config) ? config : {}
    return { ...rest, max_completion_tokens: maxTokenCount, temperature, top_p: topP, ...Array.isArray(stopSequences) && stopSequences.length > 0 ? { stop: stopSequences } : {} }
  },
  toAnswer: (text, reason, usage) => ({ inputTextTokenCount: usage?.prompt_tokens ?? 0, results: [{ tokenCount: usage?.completion_tokens ?? 0, outputText: text, completionReason: titanReasons[reason] }] }),
  toPiece: (text) => ({ index: 0, outputText: text, completionReason: null }),
  toLast: (reason, usage) => ({ index: 0, outputText: '', inputTextTokenCount: usage?.prompt_tokens ?? 0, totalOutputTextTokenCount: usage?.completion_tokens ?? 0, completionReason: titanReasons[reason] })
}

const llama: Words = {
  question: 'prompt',
  toMembers: ({ prompt: _prompt, max_gen_len: limit, ...rest }) => ({ ...rest, max_completion_tokens: limit }),
  toAnswer: (text, reason, usage) => ({ generation: text, prompt_token_count: usage?.prompt_tokens ?? 0, generation_token_count: usage?.completion_tokens ?? 0, stop_reason: toPlainReason(reason) }),
  toPiece: (text) => ({ generation: text, prompt_token_count: null, generation_token_count: null, stop_reason: null }),
  toLast: (reason, usage) => llama.toAnswer('', reason, usage)
}

const mistral: Words = {
  question: 'prompt',
  toMembers: ({ prompt: _prompt, max_tokens: limit, ...rest }) => ({ ...rest, max_completion_tokens: limit }),
  toAnswer: (text, reason) => ({ outputs: [{ text, stop_reason: toPlainReason(reason) }] }),
  toPiece: (text) => ({ outputs: [{ text, stop_reason: null }] }),
  toLast: (reason) => mistral.toAnswer('', reason, undefined)
}

function toPlainReason (reason: FinishReason): string {
  return reason === 'length' ? 'length' : 'stop'
}

function toDialect (words: Words): ChatDialect {
  return {
    toChatRequest (body, model, stream): ChatRequest {
      const text = body[words.question]
      if (typeof text !== 'string') throw invalid(words.question, `${words.question} must be text, not ${shown(text)}.`)
      const members = Object.fromEntries(Object.entries(words.toMembers(body)).filter(([, value]) => value !== undefined))
      return { ...members, model, messages: [{ role: 'user', content: text }], ...stream ? { stream: true } : {} }
    },
    fromChatReply ({ choices, usage }: ChatReply): JsonObject {
      const [choice] = choices
      return words.toAnswer(textOf(choice?.message), choice?.finish_reason ?? 'stop', usage)
    },
    createChatEncoder: () => new ChunkEncoder((toBytes) => new CompletionEncoder(toBytes, words.toPiece, words.toLast), { lastType: 'last', toPayload: (_type, payload) => payload })
  }
}

function textOf (message: ChatReply['choices'][number]['message'] | undefined): string {
  const { content, refusal } = message ?? {}
  const text = typeof content === 'string' ? content : (content ?? []).map((part) => part.type === 'text' ? part.text : '').join('')
  return text + (refusal ?? '')
}

const titanText = toDialect(titan)
const llamaText = toDialect(llama)
const mistralText = toDialect(mistral)

/** Llama and Mistral differ in what they call the limit; without one, the answer is in Mistral's words. */
export function invokeTextOf (body: JsonObject): ChatDialect {
  if (body['textGenerationConfig'] !== undefined) return titanText
  return body['max_gen_len'] === undefined ? mistralText : llamaText
}
