import type { ChatDelta, ChatUsage, FinishReason } from '../../api/chat.ts'
import type { EventSink } from '../../api/framing.ts'
import type { AnswerContext, ChatEncoder } from '../dialect.ts'
import { parseArguments, textOfDetails, toCounts, toDoneReason, toTime } from './chat-reply.ts'

const nanosecondsPerMs = 1_000_000

/** What the assistant says in one line. */
export interface Said {
  content: string
  thinking?: string
  tool_calls?: object[]
}

function toMessagePiece (said: Said): object {
  return { message: { role: 'assistant', ...said } }
}

function membersOf (piece: object): string {
  return JSON.stringify(piece).slice(1, -1)
}

/** A line for each piece. Calls of tools come whole, since their arguments are objects; the last line says `done`. */
export class OllamaChatEncoder implements ChatEncoder {
  private readonly context: AnswerContext
  private readonly toPiece: (said: Said) => object
  private readonly head: string
  private sink: EventSink | null = null
  private latencyMs = 0
  /** Calls whose arguments may still grow, by their index. */
  private readonly calls = new Map<number, { id: string, name: string, text: string }>()
  private calledBefore = 0
  private doneReason = 'stop'
  private lastUsage: ChatUsage | null = null

  /** @param toPiece what a line has beside model, time and `done`, by what the assistant says in it */
  constructor (context: AnswerContext, toPiece: (said: Said) => object = toMessagePiece) {
    this.context = context
    this.toPiece = toPiece
    this.head = JSON.stringify({ model: context.model, created_at: toTime(context.nowSeconds) }).slice(0, -1)
  }

  begin (sink: EventSink, latencyMs: number): void {
    this.sink = sink
    this.latencyMs = Math.max(this.latencyMs, latencyMs)
  }

  start (_id: string, _model: string): void {}

  delta (choice: number, delta: ChatDelta): void {
    if (choice !== 0) return
    const thinking = delta.reasoning_content ?? textOfDetails(delta.reasoning_details)
    const content = (delta.content ?? '') + (delta.refusal ?? '')
    if (thinking !== '' || content !== '') {
      this.flushCalls()
      this.message({ content, ...thinking === '' ? {} : { thinking } })
    }
    for (const { index, id, function: called } of delta.tool_calls ?? []) {
      const known = this.calls.get(index)
      if (known === undefined) this.calls.set(index, { id: id ?? '', name: called.name ?? '', text: called.arguments ?? '' })
      else known.text += called.arguments ?? ''
    }
  }

  finish (choice: number, reason: FinishReason): void {
    if (choice === 0) this.doneReason = toDoneReason(reason)
  }

  usage (usage: ChatUsage): void {
    this.lastUsage = usage
  }

  /** An empty line would be no JSON to some clients; an empty piece is one of Ollama's own. */
  ping (): void {
    this.message({ content: '' })
  }

  end (): void {
    this.flushCalls()
    const duration = this.latencyMs * nanosecondsPerMs
    const rest = { done_reason: this.doneReason, total_duration: duration, ...this.lastUsage === null ? {} : toCounts(this.lastUsage), eval_duration: duration }
    this.write(`${this.head},${membersOf(this.toPiece({ content: '' }))},"done":true,${JSON.stringify(rest).slice(1)}\n`)
  }

  private flushCalls (): void {
    if (this.calls.size === 0) return
    const calls = [...this.calls.values()].map(({ id, name, text }) => ({ id, function: { index: this.calledBefore++, name, arguments: parseArguments(text) } }))
    this.calls.clear()
    this.message({ content: '', tool_calls: calls })
  }

  private message (said: Said): void {
    this.write(`${this.head},${membersOf(this.toPiece(said))},"done":false}\n`)
  }

  private write (text: string): void {
    const bytes = Buffer.from(text)
    this.sink?.append(bytes, 0, bytes.length)
  }
}
