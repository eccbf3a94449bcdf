import type { ChatUsage } from '../../api/chat.ts'
import type { ReplyHeaders } from '../adapter.ts'
import { fromAnthropicUsage } from '../anthropic/usage.ts'
import { headerValue } from '../reply-headers.ts'
import { toChatUsage } from './chat-reply.ts'

/** What Bedrock counts itself, whatever the model: at the end of a stream, or in the headers of an answer. Neither cached number is part of the input. */
export interface InvocationMetrics {
  inputTokenCount?: unknown
  outputTokenCount?: unknown
  cacheReadInputTokenCount?: unknown
  cacheWriteInputTokenCount?: unknown
}

export function fromMetrics (metrics: InvocationMetrics): ChatUsage {
  return toChatUsage({
    inputTokens: toCount(metrics.inputTokenCount),
    outputTokens: toCount(metrics.outputTokenCount),
    cacheReadInputTokens: toCount(metrics.cacheReadInputTokenCount),
    cacheWriteInputTokens: toCount(metrics.cacheWriteInputTokenCount)
  })
}

/** @returns the tokens of an answer of InvokeModel, by the model's own count where it says more; null when nobody counted */
export function toInvokeUsage (body: unknown, headers: ReplyHeaders): ChatUsage | null {
  const usage = isRecord(body) ? body['usage'] : undefined
  if (isRecord(usage) && usage['input_tokens'] !== undefined) return fromAnthropicUsage(usage)
  if (isRecord(usage) && usage['inputTokens'] !== undefined) return toChatUsage(usage)
  const input = headerValue(headers, 'x-amzn-bedrock-input-token-count')
  if (input === '') return null
  const cached = (kind: string): number => Number(headerValue(headers, `x-amzn-bedrock-cache-${kind}-input-token-count`))
  return fromMetrics({
    inputTokenCount: Number(input),
    outputTokenCount: Number(headerValue(headers, 'x-amzn-bedrock-output-token-count')),
    cacheReadInputTokenCount: cached('read'),
    cacheWriteInputTokenCount: cached('write')
  })
}

function toCount (value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : undefined
}

function isRecord (value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
