import type { ChatDelta, ChatUsage } from '../api/chat.ts'
import { createUsage } from '../api/usage.ts'
import type { Usage } from '../api/usage.ts'
import { toUsage } from '../providers/chat-usage.ts'

/** Bytes of UTF-8 that make a token, about, in most languages. */
const bytesPerToken = 4

/** What a stream has used so far: the provider's own count, and how much it said since then. */
export class StreamUsage {
  readonly usage: Usage = createUsage()
  /** Text that is in no count yet. */
  private unreportedBytes = 0

  get unreportedTokens (): number { return Math.ceil(this.unreportedBytes / bytesPerToken) }

  said (delta: ChatDelta): void {
    this.unreportedBytes += textBytes(delta)
  }

  reported (usage: ChatUsage): void {
    // Some count the input first and the output at the end: a count that stands still is of what was said before.
    if (usage.completion_tokens > this.usage.outputTokens) this.unreportedBytes = 0
    toUsage(usage, this.usage)
  }
}

function textBytes ({ content, reasoning_content: reasoning, refusal, tool_calls: calls }: ChatDelta): number {
  let bytes = bytesOf(content) + bytesOf(reasoning) + bytesOf(refusal)
  if (Array.isArray(calls)) for (const call of calls) bytes += bytesOf(call.function?.name) + bytesOf(call.function?.arguments)
  return bytes
}

function bytesOf (text: unknown): number {
  return typeof text === 'string' ? Buffer.byteLength(text) : 0
}
