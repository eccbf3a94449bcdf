import type { ChatDelta, ChatUsage, FinishReason, JsonObject, ReasoningDetail, ToolCallDelta } from '../../api/chat.ts'
import type { EventSink } from '../../api/framing.ts'
import type { FinishDetail } from '../../api/chat-sink.ts'
import type { ChatEncoder, ToEventBytes } from '../dialect.ts'
import { toAnswerUsage, toCitations, toStop } from './chat-reply.ts'
import { toFrame } from './frame.ts'

/** A call of which nothing has been written yet, or which is being written. */
interface Call {
  id: string
  name: string
  /** What has not been written. */
  text: string
  hasArguments: boolean
}

/**
 * A Converse stream, one frame per event. Blocks stand one after the other: while one is open, the pieces of other calls wait for it.
 * The usage comes after the end of the message, at the very end.
 */
export class BedrockChatEncoder implements ChatEncoder {
  private sink: EventSink | null = null
  /** The longest so far: the end of a stream may come without an event. */
  private latencyMs = 0
  private started = false
  private blockIndex = -1
  /** What the open block holds; null when none is. Calls by their index, thoughts by theirs. */
  private open: string | null = null
  private openCall: Call | null = null
  private readonly calls = new Map<number, Call>()
  private lastUsage: ChatUsage | undefined
  private readonly toBytes: ToEventBytes

  constructor (toBytes: ToEventBytes = toFrame) {
    this.toBytes = toBytes
  }

  begin (sink: EventSink, latencyMs: number): void {
    this.sink = sink
    this.latencyMs = Math.max(this.latencyMs, latencyMs)
  }

  start (): void {
    if (this.started) return
    this.started = true
    this.write('messageStart', { role: 'assistant' })
  }

  delta (choice: number, delta: ChatDelta): void {
    if (choice !== 0) return
    this.start()
    const { content, refusal, reasoning_content: thought, reasoning_details: details = [], tool_calls: calls = [], annotations = [] } = delta
    if (details.length > 0) for (const detail of details) this.thought(detail)
    else if (thought !== undefined && thought !== '') this.inBlock('thought', { reasoningContent: { text: thought } })
    if (content !== undefined && content !== '') this.inBlock('text', { text: content })
    if (refusal !== undefined && refusal !== '') this.inBlock('text', { text: refusal })
    for (const citation of toCitations(annotations)) this.inBlock('text', { citation })
    for (const call of calls) this.call(call)
  }

  finish (choice: number, reason: FinishReason, detail?: FinishDetail): void {
    if (choice !== 0) return
    this.start()
    this.closeAll()
    this.write('messageStop', toStop(reason, detail ?? {}))
  }

  usage (usage: ChatUsage): void {
    this.lastUsage = usage
  }

  /** The format has nothing that says nothing. */
  ping (): void {}

  end (): void {
    this.write('metadata', { usage: toAnswerUsage(this.lastUsage), metrics: { latencyMs: this.latencyMs } })
  }

  private thought (detail: ReasoningDetail): void {
    const block = `thought ${detail.index ?? ''} ${detail.type === 'reasoning.encrypted'}`
    if (detail.type === 'reasoning.encrypted') return this.inBlock(block, { reasoningContent: { redactedContent: detail.data } })
    const text = detail.type === 'reasoning.text' ? detail.text : detail.summary
    if (text !== '') this.inBlock(block, { reasoningContent: { text } })
    if (detail.type === 'reasoning.text' && typeof detail.signature === 'string' && detail.signature !== '') this.inBlock(block, { reasoningContent: { signature: detail.signature } })
  }

  private call ({ index, id = '', function: { name = '', arguments: text = '' } }: ToolCallDelta): void {
    let call = this.calls.get(index)
    if (call === undefined) this.calls.set(index, call = { id, name, text: '', hasArguments: false })
    call.text += text
    if (this.openCall === null) {
      this.closeBlock()
      this.openToolBlock(call)
    }
    if (call === this.openCall) this.writeArguments(call)
  }

  private openToolBlock (call: Call): void {
    this.open = 'call'
    this.openCall = call
    this.blockIndex++
    this.write('contentBlockStart', { contentBlockIndex: this.blockIndex, start: { toolUse: { toolUseId: call.id, name: call.name } } })
  }

  private writeArguments (call: Call): void {
    if (call.text === '') return
    call.hasArguments = true
    this.write('contentBlockDelta', { contentBlockIndex: this.blockIndex, delta: { toolUse: { input: call.text } } })
    call.text = ''
  }

  /** Blocks of text and thought have no start. */
  private inBlock (kind: string, delta: JsonObject): void {
    if (this.open !== kind) {
      this.closeAll()
      this.open = kind
      this.blockIndex++
    }
    this.write('contentBlockDelta', { contentBlockIndex: this.blockIndex, delta })
  }

  /** The open block, and the calls that waited for it. */
  private closeAll (): void {
    this.closeBlock()
    for (const [, call] of [...this.calls].sort(([one], [other]) => one - other)) {
      this.openToolBlock(call)
      this.writeArguments(call)
      this.closeBlock()
    }
  }

  private closeBlock (): void {
    if (this.open === null) return
    const call = this.openCall
    if (call !== null) {
      if (!call.hasArguments) this.writeArguments(Object.assign(call, { text: '{}' }))
      for (const [index, known] of this.calls) if (known === call) this.calls.delete(index)
    }
    this.write('contentBlockStop', { contentBlockIndex: this.blockIndex })
    this.open = null
    this.openCall = null
  }

  private write (type: string, payload: object): void {
    const bytes = this.toBytes(type, payload)
    this.sink?.append(bytes, 0, bytes.length)
  }
}
