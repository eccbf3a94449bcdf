import type { ChatDelta, ChatUsage, FinishReason, ReasoningDetail, ToolCallDelta } from '../../api/chat.ts'
import type { FinishDetail } from '../../api/chat-sink.ts'
import type { EventSink } from '../../api/framing.ts'
import type { AnswerContext, ChatEncoder } from '../dialect.ts'
import { formatOf, textOfDetail, toCitation, toCohereUsage, toFinishWord } from './chat-reply.ts'
import { toolPlanFormat } from './wire.ts'

/**
 * Cohere's stream: `message-start`, blocks of content and tool calls that open and close one after the other, `message-end`, `[DONE]`.
 * There is one choice; what belongs to others is left out.
 */
export class CohereChatEncoder implements ChatEncoder {
  private readonly context: AnswerContext
  private sink: EventSink | null = null
  private started = false
  /** What has been opened and not closed; null between two blocks. */
  private open: { kind: 'text' | 'thinking' | 'tool-call', index: number } | null = null
  private blocks = 0
  private citations = 0
  /** All text so far, which citations point into. */
  private text = ''
  private readonly called = new Set<number>()
  private finishWord = 'COMPLETE'
  private lastUsage: ChatUsage | null = null

  constructor (context: AnswerContext) {
    this.context = context
  }

  begin (sink: EventSink, _latencyMs: number): void {
    this.sink = sink
  }

  start (id: string, _model: string): void {
    if (this.started) return
    this.started = true
    this.event('message-start', { id: id === '' ? this.context.newId() : id, type: 'message-start', delta: { message: { role: 'assistant', content: [], tool_plan: '', tool_calls: [], citations: [] } } })
  }

  delta (choice: number, delta: ChatDelta): void {
    if (choice !== 0) return
    this.start('', '')
    this.think(delta)
    for (const text of [delta.content, delta.refusal]) {
      if (text === undefined || text === '') continue
      this.text += text
      this.content('text', text)
    }
    for (const call of delta.tool_calls ?? []) this.call(call)
    for (const citation of (delta.annotations ?? []).flatMap((annotation) => toCitation(annotation, this.text))) this.cite(citation)
  }

  finish (choice: number, reason: FinishReason, detail?: FinishDetail): void {
    if (choice === 0) this.finishWord = toFinishWord(reason, detail?.native, detail?.stopSequence)
  }

  usage (usage: ChatUsage): void {
    this.lastUsage = usage
  }

  ping (): void {
    this.write(': ping\n\n')
  }

  end (): void {
    this.start('', '')
    this.close()
    this.event('message-end', { type: 'message-end', delta: { finish_reason: this.finishWord, ...this.lastUsage === null ? {} : { usage: toCohereUsage(this.lastUsage) } } })
    this.write('data: [DONE]\n\n')
  }

  /** Details and plain text say the same; the details know what it is. */
  private think ({ reasoning_content: plain, reasoning_details: details = [] }: ChatDelta): void {
    const readable = details.filter((detail) => textOfDetail(detail) !== '')
    const thoughts: (ReasoningDetail | string)[] = readable.length > 0 ? readable : plain === undefined || plain === '' ? [] : [plain]
    for (const thought of thoughts) {
      const text = typeof thought === 'string' ? thought : textOfDetail(thought)
      if (typeof thought !== 'string' && formatOf(thought) === toolPlanFormat) {
        this.close()
        this.event('tool-plan-delta', { type: 'tool-plan-delta', delta: { message: { tool_plan: text } } })
      } else this.content('thinking', text)
    }
  }

  private content (kind: 'text' | 'thinking', text: string): void {
    if (this.open?.kind !== kind) {
      this.close()
      this.open = { kind, index: this.blocks++ }
      this.event('content-start', { type: 'content-start', index: this.open.index, delta: { message: { content: { type: kind, [kind]: '' } } } })
    }
    this.event('content-delta', { type: 'content-delta', index: this.open.index, delta: { message: { content: { [kind]: text } } } })
  }

  private call ({ index, id, function: called }: ToolCallDelta): void {
    if (!this.called.has(index)) {
      this.close()
      this.called.add(index)
      this.open = { kind: 'tool-call', index }
      this.event('tool-call-start', { type: 'tool-call-start', index, delta: { message: { tool_calls: { id: id ?? '', type: 'function', function: { name: called.name ?? '', arguments: '' } } } } })
    }
    if (called.arguments === undefined || called.arguments === '') return
    this.event('tool-call-delta', { type: 'tool-call-delta', index, delta: { message: { tool_calls: { function: { arguments: called.arguments } } } } })
  }

  private cite (citation: unknown): void {
    const index = this.citations++
    this.event('citation-start', { type: 'citation-start', index, delta: { message: { citations: citation } } })
    this.event('citation-end', { type: 'citation-end', index })
  }

  private close (): void {
    if (this.open === null) return
    const type = this.open.kind === 'tool-call' ? 'tool-call-end' : 'content-end'
    this.event(type, { type, index: this.open.index })
    this.open = null
  }

  private event (name: string, data: unknown): void {
    this.write(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`)
  }

  private write (text: string): void {
    const bytes = Buffer.from(text)
    this.sink?.append(bytes, 0, bytes.length)
  }
}
