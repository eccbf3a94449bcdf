import type { ChatDelta, ChatRequest, ChatUsage, ExtraContent, FinishReason, ReasoningDetail, ToolCallDelta } from '../../api/chat.ts'
import type { EventSink } from '../../api/framing.ts'
import type { AnswerContext, ChatEncoder } from '../dialect.ts'
import { fromChatAnnotation } from './annotations.ts'
import { addToPending, OpenCall, OpenMessage, OpenReasoning } from './open-items.ts'
import type { PendingCall } from './open-items.ts'
import { toCallExtraItem } from './reasoning-items.ts'
import { createResponse, cutReasonOf, finishResponse } from './response-object.ts'
import type { OutputItem, ResponseObject } from './wire.ts'

/**
 * The events of a Response. Of reasoning and messages one is open at a time, calls stay open to the end:
 * created, in_progress, (item added, parts and deltas, item done)*, completed or incomplete. There is no end mark.
 */
export class ResponsesEncoder implements ChatEncoder {
  private readonly request: ChatRequest
  private readonly context: AnswerContext
  private sink: EventSink | null = null
  private latencyMs = 0
  private sequenceNumber = 0
  private response: ResponseObject | null = null
  /** By `output_index`; an open item has its place already. */
  private readonly output: (OutputItem | null)[] = []
  private reasoning: OpenReasoning | null = null
  private message: OpenMessage | null = null
  /** Where the open reasoning or message goes. */
  private openIndex = 0
  /** By `index` of the call, in the order in which they began. */
  private readonly calls = new Map<number, { outputIndex: number, callId: string, item: OpenCall }>()
  private readonly pendingCalls = new Map<number, PendingCall>()
  private reason: FinishReason | null = null
  private lastUsage: ChatUsage | null = null

  constructor (request: ChatRequest, context: AnswerContext) {
    this.request = request
    this.context = context
  }

  begin (sink: EventSink, latencyMs: number): void {
    this.sink = sink
    this.latencyMs = latencyMs
  }

  start (id: string, model: string): void {
    if (this.response !== null) return
    this.response = createResponse(this.request, id, model, 0, this.context)
    this.emit('response.created', { response: this.response })
    this.emit('response.in_progress', { response: this.response })
  }

  delta (choice: number, delta: ChatDelta, logprobs?: unknown): void {
    // A Response is one answer.
    if (choice !== 0) return
    if (this.response === null) this.start('', '')
    const { reasoning_details: details = [], reasoning_content: thought = '', content = '', refusal = '', annotations = [], tool_calls: calls = [] } = delta
    if (details.length > 0) for (const detail of details) this.think(detail)
    else if (thought !== '') this.think({ type: 'reasoning.text', text: thought })
    if (content !== '') this.say().text(content, (logprobs as { content?: unknown } | null | undefined)?.content)
    if (refusal !== '') this.say().refusal(refusal)
    for (const annotation of annotations) this.say().annotation(fromChatAnnotation(annotation))
    for (const call of calls) this.call(call)
  }

  finish (choice: number, reason: FinishReason): void {
    if (choice === 0) this.reason = reason
  }

  usage (usage: ChatUsage): void {
    this.lastUsage = usage
  }

  ping (): void {
    this.write(': ping\n\n')
  }

  end (): void {
    if (this.response === null) this.start('', '')
    for (const [index, pending] of this.pendingCalls) this.openCall(index, pending)
    const cut = cutReasonOf(this.reason)
    this.closeOpen(cut === null ? 'completed' : 'incomplete')
    for (const { outputIndex, item } of this.calls.values()) this.output[outputIndex] = item.close()
    const output = this.output.filter((item) => item !== null)
    this.emit(cut === null ? 'response.completed' : 'response.incomplete', { response: finishResponse(this.response as ResponseObject, output, this.reason, this.lastUsage) })
  }

  private think (detail: ReasoningDetail): void {
    if (this.reasoning?.continues(detail) === true) return this.reasoning.add(detail)
    this.closeOpen('completed')
    this.openIndex = this.reserve()
    this.reasoning = new OpenReasoning(this.emit, `rs_${this.context.newId()}`, this.openIndex, detail)
  }

  private say (): OpenMessage {
    if (this.message !== null) return this.message
    this.closeOpen('completed')
    this.openIndex = this.reserve()
    this.message = new OpenMessage(this.emit, `msg_${this.context.newId()}`, this.openIndex)
    return this.message
  }

  private call (delta: ToolCallDelta): void {
    const open = this.calls.get(delta.index)
    if (open !== undefined) {
      if (delta.extra_content !== undefined) this.carryExtra(open.callId, delta.extra_content)
      open.item.arguments(delta.function.arguments ?? '')
      return
    }
    this.closeOpen('completed')
    const pending = this.pendingCalls.get(delta.index) ?? { id: '', name: '', arguments: '' }
    addToPending(pending, delta)
    if (delta.extra_content !== undefined) {
      pending.id = idOf(pending, this.context)
      this.carryExtra(pending.id, delta.extra_content)
    }
    // A call is announced with its name, which may come later than its id.
    if (pending.name === '') this.pendingCalls.set(delta.index, pending)
    else this.openCall(delta.index, pending)
  }

  private openCall (index: number, pending: PendingCall): void {
    this.pendingCalls.delete(index)
    const outputIndex = this.reserve()
    const callId = idOf(pending, this.context)
    const item = new OpenCall(this.emit, `fc_${this.context.newId()}`, outputIndex, callId, pending.name)
    this.calls.set(index, { outputIndex, callId, item })
    item.arguments(pending.arguments)
  }

  private carryExtra (callId: string, extra: ExtraContent): void {
    const outputIndex = this.reserve()
    const item = toCallExtraItem(`rs_${this.context.newId()}`, callId, extra)
    this.emit('response.output_item.added', { output_index: outputIndex, item })
    this.emit('response.output_item.done', { output_index: outputIndex, item })
    this.output[outputIndex] = item
  }

  private closeOpen (status: 'completed' | 'incomplete'): void {
    const open = this.reasoning ?? this.message
    if (open !== null) this.output[this.openIndex] = open.close(status)
    this.reasoning = null
    this.message = null
  }

  private reserve (): number {
    return this.output.push(null) - 1
  }

  private readonly emit = (type: string, members: Record<string, unknown>): void => {
    const { extraFields } = this.context
    const json = JSON.stringify({ type, ...members, sequence_number: this.sequenceNumber }).slice(0, -1)
    this.write(`event: ${type}\ndata: ${json},"extra_fields":{${extraFields}${extraFields === '' ? '' : ','}"chunk_index":${this.sequenceNumber},"latency":${this.latencyMs}}}\n\n`)
    this.sequenceNumber++
  }

  private write (text: string): void {
    const bytes = Buffer.from(text)
    this.sink?.append(bytes, 0, bytes.length)
  }
}

/** Some providers give calls no id, and the output that follows needs one. */
function idOf (pending: PendingCall, context: AnswerContext): string {
  return pending.id === '' ? `call_${context.newId()}` : pending.id
}
