import type { ChatSink } from '../../api/chat-sink.ts'
import type { ChatDelta, ChatUsage, FinishReason } from '../../api/chat.ts'
import type { GatewayError } from '../../errors.ts'
import { ChunkDecoder } from './chunk-decoder.ts'
import { toEmbeddedError } from './errors.ts'

const finishReasons: Readonly<Record<string, FinishReason>> = { stop: 'stop', length: 'length', tool_calls: 'tool_calls', content_filter: 'content_filter', function_call: 'tool_calls', model_length: 'length', eos: 'stop' }

interface Choice { index?: number, delta?: ChatDelta & { reasoning?: string | null }, finish_reason?: string | null, logprobs?: unknown }
interface Chunk { id?: string, model?: string, choices?: Choice[], usage?: ChatUsage | null }

/** Chat completion chunks of OpenAI and of everyone who copied it. */
export class OpenAiChatDecoder extends ChunkDecoder<Choice, Chunk> {
  protected errorOf (chunk: Chunk, choices: readonly Choice[]): GatewayError | null {
    return choices.length === 0 || choices.some((choice) => choice.finish_reason === 'error') ? toEmbeddedError(this.provider, chunk) : null
  }

  protected usageOf ({ usage }: Chunk): ChatUsage | null {
    return typeof usage === 'object' ? usage : null
  }

  /** It comes by itself, after all choices. */
  protected isLastUsage (choices: readonly Choice[]): boolean {
    return choices.length === 0
  }

  protected choice ({ index = 0, delta, logprobs, finish_reason: reason }: Choice, sink: ChatSink): void {
    const said = delta === undefined ? {} : toDelta(delta)
    if (Object.keys(said).length > 0) sink.delta(index, said, logprobs ?? undefined)
    if (reason === null || reason === undefined || reason === '') return
    this.finished = true
    sink.finish(index, finishReasons[reason] ?? 'stop', { native: reason })
  }
}

/** What the canonical form names; members that are empty say nothing. */
function toDelta ({ reasoning, ...delta }: ChatDelta & { reasoning?: string | null }): ChatDelta {
  const said: ChatDelta = Object.fromEntries(Object.entries(delta).filter(([, value]) => value !== null && value !== undefined))
  if (typeof reasoning === 'string' && reasoning !== '' && said.reasoning_content === undefined) said.reasoning_content = reasoning
  return said
}
