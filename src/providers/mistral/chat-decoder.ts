import type { ChatSink } from '../../api/chat-sink.ts'
import type { ChatUsage } from '../../api/chat.ts'
import type { GatewayError } from '../../errors.ts'
import { ChunkDecoder } from '../openai/chunk-decoder.ts'
import { toEmbeddedError } from '../openai/errors.ts'
import { failed, partsOf, toArguments, toChatUsage, toFinishReason } from './chat-reply.ts'
import { thinkingFormat } from './wire.ts'
import type { MistralChunk, PartialCall } from './wire.ts'

type Choice = NonNullable<MistralChunk['choices']>[number]
interface Call { id: string, index: number | undefined, hasArguments: boolean }

/** Mistral's stream: OpenAI's chunks, but content may be parts, and the last piece, the finish and the usage come in one. */
export class MistralChatDecoder extends ChunkDecoder<Choice, MistralChunk> {
  /** Calls of each choice in the order in which they came. */
  private readonly calls = new Map<number, Call[]>()

  protected errorOf (chunk: MistralChunk, choices: readonly Choice[]): GatewayError | null {
    if (choices.some((choice) => choice.finish_reason === 'error')) return failed(this.provider)
    return choices.length === 0 ? toEmbeddedError(this.provider, chunk) : null
  }

  protected usageOf ({ usage }: MistralChunk): ChatUsage | null {
    return typeof usage === 'object' && usage !== null ? toChatUsage(usage) : null
  }

  /** It comes with the finish. */
  protected isLastUsage (): boolean {
    return true
  }

  protected choice ({ index = 0, delta, finish_reason: reason }: Choice, sink: ChatSink): void {
    for (const { text, thinking, signature } of partsOf(delta?.content)) {
      if (thinking !== '') sink.delta(index, { reasoning_content: thinking, reasoning_details: [{ type: 'reasoning.text', text: thinking, ...signature === '' ? {} : { signature }, format: thinkingFormat, index: 0 }] })
      if (text !== '') sink.delta(index, { content: text })
    }
    for (const call of delta?.tool_calls ?? []) this.call(index, call, sink)
    if (typeof reason !== 'string' || reason === '') return
    for (const [ordinal, call] of (this.calls.get(index) ?? []).entries()) {
      if (!call.hasArguments) sink.delta(index, { tool_calls: [{ index: ordinal, function: { arguments: '{}' } }] })
      call.hasArguments = true
    }
    this.finished = true
    sink.finish(index, toFinishReason(reason), { native: reason })
  }

  /** Mistral's own models send a call whole; others that it hosts send it in pieces, whose name is empty. */
  private call (choice: number, { id, index, function: called }: PartialCall, sink: ChatSink): void {
    const calls = this.calls.get(choice) ?? []
    this.calls.set(choice, calls)
    const text = toArguments(called?.arguments)
    const name = called?.name ?? ''
    const place = calls.findLastIndex((known) => known.index === index)
    const known = calls[place]
    if (known === undefined || (name !== '' && isGivenId(id) && id !== known.id)) {
      calls.push({ id: id ?? '', index, hasArguments: text !== '' })
      sink.delta(choice, { tool_calls: [{ index: calls.length - 1, id: id ?? '', type: 'function', function: { name, arguments: text } }] })
    } else if (text !== '') {
      known.hasArguments = true
      sink.delta(choice, { tool_calls: [{ index: place, function: { arguments: text } }] })
    }
  }
}

/** Pieces have no id, or the word null. */
function isGivenId (id: string | null | undefined): boolean {
  return typeof id === 'string' && id !== '' && id !== 'null'
}
