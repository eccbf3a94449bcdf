import type { ChatDelta, ChatUsage, FinishReason } from '../../api/chat.ts'
import type { EventSink } from '../../api/framing.ts'
import type { ChatEncoder, ToEventBytes } from '../dialect.ts'

/** Writes text alone, as the models do that only complete a text: a piece at a time, the end in one of its own. */
export class CompletionEncoder implements ChatEncoder {
  private readonly toBytes: ToEventBytes
  private readonly toPiece: (text: string) => object
  private readonly toLast: (reason: FinishReason, usage: ChatUsage | undefined) => object
  private sink: EventSink | null = null
  private reason: FinishReason = 'stop'
  private lastUsage: ChatUsage | undefined

  constructor (toBytes: ToEventBytes, toPiece: CompletionEncoder['toPiece'], toLast: CompletionEncoder['toLast']) {
    this.toBytes = toBytes
    this.toPiece = toPiece
    this.toLast = toLast
  }

  begin (sink: EventSink): void { this.sink = sink }

  start (): void {}

  delta (choice: number, { content = '', refusal = '' }: ChatDelta): void {
    if (choice === 0 && content + refusal !== '') this.write('piece', this.toPiece(content + refusal))
  }

  finish (choice: number, reason: FinishReason): void {
    if (choice === 0) this.reason = reason
  }

  usage (usage: ChatUsage): void { this.lastUsage = usage }

  end (): void { this.write('last', this.toLast(this.reason, this.lastUsage)) }

  ping (): void {}

  private write (type: string, payload: object): void {
    const bytes = this.toBytes(type, payload)
    this.sink?.append(bytes, 0, bytes.length)
  }
}
