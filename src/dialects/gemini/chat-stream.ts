import type { ChatDelta, ChatUsage, FinishReason, JsonObject, ToolCall, ToolCallDelta } from '../../api/chat.ts'
import type { EventSink } from '../../api/framing.ts'
import { arrayComma, arrayEnd, arrayStart } from '../../api/json-array.ts'
import type { AnswerContext, ChatEncoder } from '../dialect.ts'
import { fromCall, fromContent, fromImages, fromReasoning, isTextSignature } from './answer-parts.ts'
import { finishReasons, toUsageMetadata } from './chat-reply.ts'
import type { Part } from './wire.ts'

/**
 * Events as Gemini sends them: each a whole response with what is new, CR LF, no end mark; or the same responses as one JSON array. Calls come whole, so they wait for the end of
 * their choice; so do finish reasons, since the usage stands in the same event.
 */
export class GeminiChatEncoder implements ChatEncoder {
  private readonly context: AnswerContext
  private sink: EventSink | null = null
  /** Something has been written. */
  private begun = false
  /** Members of every event; null before the first one. */
  private identity: { modelVersion: string, responseId: string } | null = null
  private readonly calls = new Map<number, ToolCall[]>()
  private readonly finished = new Map<number, FinishReason>()
  private lastUsage: ChatUsage | null = null

  constructor (context: AnswerContext) {
    this.context = context
  }

  begin (sink: EventSink, _latencyMs: number): void {
    this.sink = sink
  }

  start (id: string, model: string): void {
    this.identity = { modelVersion: model === '' ? this.context.model : model, responseId: id === '' ? this.context.newId() : id }
  }

  delta (choice: number, delta: ChatDelta): void {
    for (const call of delta.tool_calls ?? []) this.addCall(choice, call)
    const parts = [
      ...fromReasoning(delta),
      ...fromContent(delta.content, delta.refusal),
      ...(delta.reasoning_details ?? []).filter(isTextSignature).map(({ data }): Part => ({ text: '', thoughtSignature: data })),
      ...fromImages(delta.images)
    ]
    if (parts.length > 0) this.write({ candidates: [{ content: { parts, role: 'model' }, index: choice }] })
  }

  finish (choice: number, reason: FinishReason): void {
    this.finished.set(choice, reason)
  }

  usage (usage: ChatUsage): void {
    this.lastUsage = usage
  }

  /** Google's SDK would lose the event after a comment; empty lines mean nothing to it. */
  ping (): void {
    this.text('\r\n')
  }

  end (): void {
    const candidates = [...new Set([...this.calls.keys(), ...this.finished.keys()])].map((index) => {
      const reason = this.finished.get(index)
      return { content: { parts: (this.calls.get(index) ?? []).map(fromCall), role: 'model' }, ...reason === undefined ? {} : { finishReason: finishReasons[reason] }, index }
    })
    if (candidates.length > 0 || this.lastUsage !== null) this.write({ candidates, ...this.lastUsage === null ? {} : { usageMetadata: toUsageMetadata(this.lastUsage) } })
    if (this.context.jsonArray) this.text(this.begun ? arrayEnd : `${arrayStart}${arrayEnd}`)
  }

  private addCall (choice: number, { index, id, function: { name, arguments: text }, extra_content: extra }: ToolCallDelta): void {
    let calls = this.calls.get(choice)
    if (calls === undefined) this.calls.set(choice, calls = [])
    const call = calls[index] ??= { id: '', type: 'function', function: { name: '', arguments: '' } }
    if (id !== undefined) call.id = id
    if (name !== undefined) call.function.name = name
    call.function.arguments += text ?? ''
    if (extra !== undefined) call.extra_content = extra
  }

  private write (event: JsonObject): void {
    if (this.identity === null) this.start('', '')
    const json = JSON.stringify({ ...event, ...this.identity })
    this.text(this.context.jsonArray ? `${this.begun ? arrayComma : arrayStart}${json}` : `data: ${json}\r\n\r\n`)
    this.begun = true
  }

  private text (text: string): void {
    const bytes = Buffer.from(text)
    this.sink?.append(bytes, 0, bytes.length)
  }
}
