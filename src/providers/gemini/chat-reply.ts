import type { AssistantMessage, ChatChoice, ChatReply, ChatRequest } from '../../api/chat.ts'
import { badResponse } from '../bad-response.ts'
import { AnswerParts } from './answer-parts.ts'
import { toAnnotations } from './citations.ts'
import { toEmbeddedError } from './errors.ts'
import { toFinishReason } from './finish-reasons.ts'
import { rewrittenNames } from './tool-names.ts'
import { toChatUsage } from './usage.ts'
import type { Candidate, GenerateContentResponse, LogprobsResult } from './wire.ts'

/** @throws GatewayError for an error inside a 200, and for what is no answer */
export function fromGenerateContent (provider: string, body: unknown, request: ChatRequest): ChatReply {
  const error = toEmbeddedError(provider, body)
  if (error !== null) throw error
  const reply = body as GenerateContentResponse | null
  const choices = toChoices(reply, request)
  if (reply === null || choices === null) throw badResponse(provider, 'no candidates')
  const usage = toChatUsage(reply.usageMetadata)
  return {
    id: reply.responseId ?? '',
    object: 'chat.completion',
    created: toSeconds(reply.createTime),
    model: reply.modelVersion ?? '',
    choices,
    ...usage === null ? {} : { usage }
  }
}

/** @returns null when there is neither an answer nor a reason why */
function toChoices (reply: GenerateContentResponse | null, request: ChatRequest): ChatChoice[] | null {
  const candidates = reply?.candidates ?? []
  if (!Array.isArray(candidates)) return null
  if (reply !== null && candidates.length > 0) return candidates.map((candidate, index) => toChoice(candidate, index, reply.responseId ?? '', request))
  const blocked = reply?.promptFeedback?.blockReason
  if (typeof blocked !== 'string') return null
  return [{ index: 0, message: { role: 'assistant', content: '' }, finish_reason: 'content_filter', native_finish_reason: blocked }]
}

function toChoice (candidate: Candidate, position: number, responseId: string, request: ChatRequest): ChatChoice {
  const index = candidate.index ?? position
  const { content, calls, ...said } = new AnswerParts(index, rewrittenNames(request)).read(candidate.content?.parts ?? [], responseId)
  const annotations = toAnnotations(candidate.groundingMetadata, content ?? '')
  const message: AssistantMessage = {
    role: 'assistant',
    content: content ?? (calls.length > 0 ? null : ''),
    ...said,
    ...calls.length === 0 ? {} : { tool_calls: calls },
    ...annotations.length === 0 ? {} : { annotations }
  }
  const reason = candidate.finishReason ?? 'STOP'
  const logprobs = toLogprobs(candidate.logprobsResult)
  return { index, message, finish_reason: toFinishReason(reason, calls.length > 0), native_finish_reason: reason, ...logprobs === null ? {} : { logprobs } }
}

interface TokenLogprob { token: string, logprob: number, bytes: number[] }

/** @returns null where none were told */
export function toLogprobs (result: LogprobsResult | null | undefined): unknown {
  const chosen = result?.chosenCandidates
  if (!Array.isArray(chosen)) return null
  const toToken = ({ token = '', logProbability = 0 }: { token?: string, logProbability?: number }): TokenLogprob => ({ token, logprob: logProbability, bytes: [...Buffer.from(token)] })
  return { content: chosen.map((candidate, index) => ({ ...toToken(candidate), top_logprobs: (result?.topCandidates?.[index]?.candidates ?? []).map(toToken) })) }
}

/** @returns 0 where the time is not given */
function toSeconds (time: string | undefined): number {
  const ms = time === undefined ? NaN : Date.parse(time)
  return Number.isNaN(ms) ? 0 : Math.floor(ms / 1_000)
}
