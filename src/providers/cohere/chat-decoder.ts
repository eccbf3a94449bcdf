import type { ReasoningDetail } from '../../api/chat.ts'
import type { ChatSink } from '../../api/chat-sink.ts'
import type { StreamEvent, StreamEventKind } from '../../api/framing.ts'
import { GatewayError } from '../../errors.ts'
import { isDoneEvent, parseEventData } from '../event-data.ts'
import type { ChatDecoder } from '../family.ts'
import { failureOf, toAnnotation, toChatUsage, toFinishReason, toLogprobs } from './chat-reply.ts'
import { thinkingFormat, toolPlanFormat } from './wire.ts'
import type { CohereEvent, PartialCall } from './wire.ts'

/** Cohere's stream: blocks of content and calls of tools, each with a start, deltas and an end. */
export class CohereChatDecoder implements ChatDecoder {
  error: GatewayError | null = null
  finished = false
  complete = false
  private readonly provider: string
  /** Calls by the index that Cohere gives them: place among the calls, and whether arguments have come. */
  private readonly calls = new Map<number, { ordinal: number, hasArguments: boolean }>()
  /** Reasoning details that have begun: `thinking 0` or the plan -> place among them. */
  private readonly thoughts = new Map<string, number>()

  constructor (provider: string) {
    this.provider = provider
  }

  decode (event: StreamEvent, sink: ChatSink): StreamEventKind {
    if (event.dataLines === 0) return 'comment'
    if (isDoneEvent(event)) return 'done'
    const data = parseEventData(event) as CohereEvent | null
    if (typeof data !== 'object' || data === null) return 'hidden'
    if (data.type === 'message-end') return this.end(data, sink)
    if (data.type === undefined && typeof data.message === 'string') {
      this.error = new GatewayError('BIFROST_UPSTREAM_STATUS', { status: 502, provider: this.provider, message: data.message })
      return 'error'
    }
    return this.add(data, sink) ? 'content' : 'hidden'
  }

  /** @returns false for an event that says nothing */
  private add ({ type, id, index = 0, logprobs, delta }: CohereEvent, sink: ChatSink): boolean {
    const message = delta?.message
    switch (type) {
      case 'message-start':
        sink.start(id ?? '', '')
        return true
      case 'content-start':
      case 'content-delta': {
        const { text, thinking } = message?.content ?? {}
        if (typeof text === 'string' && text !== '') sink.delta(0, { content: text }, typeof logprobs === 'object' && logprobs !== null ? toLogprobs([logprobs]) : undefined)
        if (typeof thinking === 'string' && thinking !== '') this.think(thinking, thinkingFormat, `thinking ${index}`, sink)
        return true
      }
      case 'tool-plan-delta':
        if (typeof message?.tool_plan === 'string') this.think(message.tool_plan, toolPlanFormat, toolPlanFormat, sink)
        return true
      case 'tool-call-start':
      case 'tool-call-delta':
        this.call(type === 'tool-call-start', index, firstOf(message?.tool_calls), sink)
        return true
      case 'tool-call-end':
        this.closeCall(index, sink)
        return true
      case 'citation-start':
        if (typeof message?.citations !== 'object' || message.citations === null) return false
        sink.delta(0, { annotations: [toAnnotation(message.citations)] })
        return true
      default: return false
    }
  }

  private end ({ delta }: CohereEvent, sink: ChatSink): StreamEventKind {
    this.error = failureOf(this.provider, delta?.finish_reason, delta?.error)
    if (this.error !== null) return 'error'
    for (const index of this.calls.keys()) this.closeCall(index, sink)
    this.finished = true
    this.complete = true
    sink.finish(0, toFinishReason(delta?.finish_reason ?? ''), { native: delta?.finish_reason ?? '' })
    if (typeof delta?.usage === 'object' && delta.usage !== null) sink.usage(toChatUsage(delta.usage))
    return 'content'
  }

  private think (text: string, format: string, name: string, sink: ChatSink): void {
    const known = this.thoughts.get(name)
    const place = known ?? this.thoughts.size
    this.thoughts.set(name, place)
    const detail: ReasoningDetail = { type: 'reasoning.text', text, format, index: place }
    sink.delta(0, { reasoning_content: known === undefined && place > 0 ? `\n${text}` : text, reasoning_details: [detail] })
  }

  private call (isStart: boolean, index: number, call: PartialCall | undefined, sink: ChatSink): void {
    const text = call?.function?.arguments ?? ''
    const known = this.calls.get(index)
    if (isStart || known === undefined) {
      const ordinal = this.calls.size
      this.calls.set(index, { ordinal, hasArguments: text !== '' })
      sink.delta(0, { tool_calls: [{ index: ordinal, id: call?.id ?? '', type: 'function', function: { name: call?.function?.name ?? '', arguments: text } }] })
    } else if (text !== '') {
      known.hasArguments = true
      sink.delta(0, { tool_calls: [{ index: known.ordinal, function: { arguments: text } }] })
    }
  }

  /** A call without parameters ends without arguments; for everybody else those are an empty object. */
  private closeCall (index: number, sink: ChatSink): void {
    const call = this.calls.get(index)
    if (call === undefined || call.hasArguments) return
    call.hasArguments = true
    sink.delta(0, { tool_calls: [{ index: call.ordinal, function: { arguments: '{}' } }] })
  }
}

function firstOf<T> (value: T | T[] | undefined): T | undefined {
  return Array.isArray(value) ? value[0] : value
}
