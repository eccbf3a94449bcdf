import { textOf, toAnnotation } from '../../api/anthropic-blocks.ts'
import type { AnthropicBlock } from '../../api/anthropic-blocks.ts'
import type { ChatSink } from '../../api/chat-sink.ts'
import type { ReasoningDetail } from '../../api/chat.ts'
import type { StreamEvent, StreamEventKind } from '../../api/framing.ts'
import type { GatewayError } from '../../errors.ts'
import { parseEventData } from '../event-data.ts'
import type { ChatDecoder } from '../family.ts'
import { toEmbeddedAnthropicError } from './errors.ts'
import { toFinishReason } from './stop-reason.ts'
import { fromAnthropicUsage, mergeUsage } from './usage.ts'
import type { AnthropicEvent, AnthropicUsage } from './wire.ts'

/** A block that is open. */
interface OpenBlock {
  type: string
  /** Of a tool: ordinal among the calls. */
  call: number
  /** Of a tool: what the start said, for those who say all of it there. */
  input: unknown
  /** Of a tool: some of its arguments has been told. */
  hasArguments: boolean
  /** Of a text: where it begins in the whole text, and what it cites. */
  textStart: number
  citations: Record<string, unknown>[]
}

/** Events of the Messages API. Blocks and events that it does not know say nothing. */
export class AnthropicChatDecoder implements ChatDecoder {
  error: GatewayError | null = null
  finished = false
  complete = false
  private readonly provider: string
  private started = false
  private counts: AnthropicUsage = {}
  private calls = 0
  private textLength = 0
  /** By the provider's index. */
  private readonly open = new Map<number, OpenBlock>()

  constructor (provider: string) {
    this.provider = provider
  }

  decode (event: StreamEvent, sink: ChatSink): StreamEventKind {
    if (event.dataLines === 0) return 'comment'
    const body = parseEventData(event) as AnthropicEvent | null
    if (typeof body !== 'object' || body === null) return 'hidden'
    switch (body.type) {
      case 'message_start': return this.messageStart(body, sink)
      case 'content_block_start': return this.blockStart(body, sink)
      case 'content_block_delta': return this.blockDelta(body, sink)
      case 'content_block_stop': return this.blockStop(body.index ?? 0, sink)
      case 'message_delta': return this.messageDelta(body, sink)
      case 'message_stop': return this.messageStop(sink)
      case 'ping': return 'comment'
      case 'error':
        this.error = toEmbeddedAnthropicError(this.provider, body)
        return 'error'
      default: return 'hidden'
    }
  }

  private messageStart ({ message }: AnthropicEvent, sink: ChatSink): StreamEventKind {
    // A provider that falls back on its own side begins a second message inside the first.
    if (!this.started) sink.start(textOf(message?.id), textOf(message?.model))
    this.started = true
    this.usage(message?.usage, sink)
    return 'content'
  }

  private blockStart ({ index = 0, content_block: block }: AnthropicEvent, sink: ChatSink): StreamEventKind {
    if (typeof block !== 'object' || block === null) return 'hidden'
    const opened: OpenBlock = { type: block.type, call: this.calls, input: block['input'], hasArguments: false, textStart: this.textLength, citations: [] }
    this.open.set(index, opened)
    switch (block.type) {
      case 'text': return this.text(textOf(block['text']), sink)
      case 'thinking': return this.thinking(index, textOf(block['thinking']), textOf(block['signature']), sink)
      case 'redacted_thinking':
        sink.delta(0, { reasoning_details: [{ type: 'reasoning.encrypted', data: textOf(block['data']), format: 'anthropic', index }] })
        return 'content'
      case 'tool_use': return this.toolStart(block, sink)
      default: return 'hidden'
    }
  }

  private toolStart (block: AnthropicBlock, sink: ChatSink): StreamEventKind {
    const index = this.calls++
    sink.delta(0, { tool_calls: [{ index, id: textOf(block['id']), type: 'function', function: { name: textOf(block['name']), arguments: '' } }] })
    return 'content'
  }

  private blockDelta ({ index = 0, delta }: AnthropicEvent, sink: ChatSink): StreamEventKind {
    const block = this.open.get(index)
    if (block === undefined || typeof delta !== 'object' || delta === null) return 'hidden'
    const { citation } = delta
    if (delta.type === 'text_delta' && block.type === 'text') return this.text(textOf(delta['text']), sink)
    if (delta.type === 'thinking_delta' && block.type === 'thinking') return this.thinking(index, textOf(delta['thinking']), '', sink)
    if (delta.type === 'signature_delta' && block.type === 'thinking') return this.thinking(index, '', textOf(delta['signature']), sink)
    if (delta.type === 'input_json_delta' && block.type === 'tool_use') return this.toolArguments(block, textOf(delta['partial_json']), sink)
    if (delta.type === 'citations_delta' && block.type === 'text' && typeof citation === 'object' && citation !== null) block.citations.push(citation as Record<string, unknown>)
    return 'hidden'
  }

  private text (text: string, sink: ChatSink): StreamEventKind {
    if (text === '') return 'hidden'
    this.textLength += text.length
    sink.delta(0, { content: text })
    return 'content'
  }

  private thinking (index: number, text: string, signature: string, sink: ChatSink): StreamEventKind {
    if (text === '' && signature === '') return 'hidden'
    const detail: ReasoningDetail = { type: 'reasoning.text', text, ...(signature !== '' && { signature }), format: 'anthropic', index }
    sink.delta(0, { ...(text !== '' && { reasoning_content: text }), reasoning_details: [detail] })
    return 'content'
  }

  private toolArguments (block: OpenBlock, text: string, sink: ChatSink): StreamEventKind {
    if (text === '') return 'hidden'
    block.hasArguments = true
    sink.delta(0, { tool_calls: [{ index: block.call, function: { arguments: text } }] })
    return 'content'
  }

  private blockStop (index: number, sink: ChatSink): StreamEventKind {
    const block = this.open.get(index)
    this.open.delete(index)
    if (block === undefined) return 'hidden'
    if (block.type === 'tool_use' && !block.hasArguments) return this.toolArguments(block, JSON.stringify(block.input ?? {}), sink)
    if (block.citations.length === 0) return 'hidden'
    // Only now is it known where the text ends that they stand for.
    sink.delta(0, { annotations: block.citations.map((citation) => toAnnotation(citation, block.textStart, this.textLength)) })
    return 'content'
  }

  private messageDelta ({ delta, usage }: AnthropicEvent, sink: ChatSink): StreamEventKind {
    const reason = delta?.['stop_reason']
    const explanation = (delta?.['stop_details'] as { explanation?: unknown } | null | undefined)?.explanation
    if (typeof explanation === 'string') sink.delta(0, { refusal: explanation })
    if (typeof reason === 'string') this.finish(reason, delta?.['stop_sequence'], sink)
    if (this.usage(usage, sink) && this.finished) this.complete = true
    return 'content'
  }

  private messageStop (sink: ChatSink): StreamEventKind {
    if (!this.finished) this.finish(null, null, sink)
    this.complete = true
    return 'done'
  }

  private finish (reason: string | null, stopSequence: unknown, sink: ChatSink): void {
    if (this.finished) return
    this.finished = true
    // A block that was never closed ends here.
    for (const index of this.open.keys()) this.blockStop(index, sink)
    sink.finish(0, toFinishReason(reason, this.calls > 0), { ...(reason !== null && { native: reason }), ...(typeof stopSequence === 'string' && { stopSequence }) })
  }

  private usage (usage: AnthropicUsage | null | undefined, sink: ChatSink): boolean {
    if (typeof usage !== 'object' || usage === null) return false
    this.counts = mergeUsage(this.counts, usage)
    sink.usage(fromAnthropicUsage(this.counts))
    return true
  }
}
