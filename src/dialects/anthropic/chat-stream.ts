import type { FinishDetail } from '../../api/chat-sink.ts'
import type { ChatDelta, ChatUsage, FinishReason, ReasoningDetail } from '../../api/chat.ts'
import type { EventSink } from '../../api/framing.ts'
import type { AnswerContext, ChatEncoder, ToEventBytes } from '../dialect.ts'
import { toAnthropicUsage, toCitation, toStopDetails, toStopReason, toThinking } from './answers.ts'
import { BlockStream } from './block-stream.ts'
import { toSignature } from './signatures.ts'
import { ToolBlocks } from './tool-blocks.ts'

/**
 * Events of the Messages API: message_start, blocks one after the other, message_delta with the usage, message_stop.
 * The block that is open is `text`, a `thinking` of one index, or a call's; text that comes amid a call waits until the call is whole.
 */
export class AnthropicChatEncoder implements ChatEncoder {
  private readonly context: AnswerContext
  private readonly blocks: BlockStream
  private readonly tools: ToolBlocks
  private id = ''
  private model = ''
  private begun = false
  /** `text`, `cited text` once it has citations, `thinking <index>`, or empty: no block, or a call's. */
  private open = ''
  /** What came amid a call that was not whole. */
  private held: ChatDelta[] = []
  /** An explanation if the answer ends as a refusal, else text. */
  private refusal = ''
  private reason: FinishReason = 'stop'
  private detail: FinishDetail = {}
  private lastUsage: ChatUsage | null = null

  constructor (context: AnswerContext, toBytes: ToEventBytes = toServerSentEvent) {
    this.context = context
    this.blocks = new BlockStream(toBytes)
    this.tools = new ToolBlocks(this.blocks, context.newId)
  }

  begin (sink: EventSink, _latencyMs: number): void {
    this.blocks.sink = sink
  }

  /** Written with what comes first: by then, the usage of the prompt may be known. */
  start (id: string, model: string): void {
    this.id = id
    this.model = model
  }

  delta (choice: number, delta: ChatDelta): void {
    // Anthropic's API has one choice.
    if (choice !== 0) return
    this.beginMessage()
    this.refusal += delta.refusal ?? ''
    const { tool_calls: calls = [], ...said } = delta
    if (hasWords(said)) {
      if (this.held.length === 0 && this.tools.settle()) this.say(said)
      else this.held.push(said)
    }
    for (const call of calls) {
      this.open = ''
      this.tools.add(call)
    }
  }

  finish (choice: number, reason: FinishReason, detail: FinishDetail = {}): void {
    if (choice !== 0) return
    this.beginMessage()
    this.reason = reason
    this.detail = detail
    this.closeAll()
  }

  usage (usage: ChatUsage): void {
    this.lastUsage = usage
  }

  ping (): void {
    this.beginMessage()
    this.blocks.event('ping', {})
  }

  end (): void {
    this.beginMessage()
    this.closeAll()
    const { native, stopSequence } = this.detail
    const reason = toStopReason(this.reason, native, stopSequence, this.tools.any)
    if (this.refusal !== '' && reason !== 'refusal') {
      this.text(this.refusal)
      this.closeAll()
    }
    const delta = { stop_reason: reason, stop_sequence: reason === 'stop_sequence' ? stopSequence : null, stop_details: toStopDetails(reason, this.refusal) }
    this.blocks.event('message_delta', { delta, usage: toAnthropicUsage(this.lastUsage) })
    this.blocks.event('message_stop', {})
  }

  private beginMessage (): void {
    if (this.begun) return
    this.begun = true
    const { newId, model } = this.context
    this.blocks.event('message_start', {
      message: {
        id: this.id === '' ? `msg_${newId()}` : this.id,
        type: 'message',
        role: 'assistant',
        model: this.model === '' ? model : this.model,
        content: [],
        stop_reason: null,
        stop_sequence: null,
        usage: toAnthropicUsage(this.lastUsage)
      }
    })
  }

  private closeAll (): void {
    this.tools.end()
    const held = this.held
    this.held = []
    for (const delta of held) this.say(delta)
    this.blocks.close()
    this.open = ''
  }

  private say (delta: ChatDelta): void {
    const details = delta.reasoning_details ?? []
    const hasText = details.some(({ type }) => type !== 'reasoning.encrypted')
    if (!hasText && typeof delta.reasoning_content === 'string') this.think({ type: 'reasoning.text', text: delta.reasoning_content })
    for (const detail of details) this.think(detail)
    if (typeof delta.content === 'string') this.text(delta.content)
    for (const annotation of delta.annotations ?? []) this.cite(annotation)
  }

  private text (text: string): void {
    if (text === '') return
    if (this.open !== 'text') this.openBlock('text', { type: 'text', text: '' })
    this.blocks.delta({ type: 'text_delta', text })
  }

  private cite (annotation: unknown): void {
    const citation = toCitation(annotation)
    if (citation === null || (this.open !== 'text' && this.open !== 'cited text')) return
    this.blocks.delta({ type: 'citations_delta', citation })
    // They are about the text so far; what follows is another block.
    this.open = 'cited text'
  }

  private think (detail: ReasoningDetail): void {
    if (detail.type === 'reasoning.encrypted') {
      this.blocks.open(toThinking(detail))
      this.blocks.close()
      this.open = ''
      return
    }
    const text = detail.type === 'reasoning.text' ? detail.text ?? '' : detail.summary
    const signature = detail.type === 'reasoning.text' ? toSignature(detail.signature ?? '', detail.format) : ''
    if (text === '' && signature === '') return
    const name = `thinking ${detail.index ?? 0}`
    if (this.open !== name) this.openBlock(name, { type: 'thinking', thinking: '', signature: '' })
    if (text !== '') this.blocks.delta({ type: 'thinking_delta', thinking: text })
    if (signature === '') return
    this.blocks.delta({ type: 'signature_delta', signature })
    // What is signed is whole.
    this.blocks.close()
    this.open = ''
  }

  private openBlock (name: string, block: { type: string, [member: string]: unknown }): void {
    this.blocks.open(block)
    this.open = name
  }
}

function toServerSentEvent (type: string, payload: object): Uint8Array {
  return Buffer.from(`event: ${type}\ndata: ${JSON.stringify(payload)}\n\n`)
}

/** Whether a delta says anything beside calls. */
function hasWords ({ content, reasoning_content: reasoning, reasoning_details: details, annotations }: ChatDelta): boolean {
  return (content ?? '') !== '' || (reasoning ?? '') !== '' || (details ?? []).length > 0 || (annotations ?? []).length > 0
}
