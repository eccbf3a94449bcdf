import type { ChatSink } from '../../api/chat-sink.ts'
import type { ChatUsage } from '../../api/chat.ts'
import type { StreamEvent, StreamEventKind } from '../../api/framing.ts'
import type { GatewayError } from '../../errors.ts'
import { isDoneEvent, parseEventData } from '../event-data.ts'
import type { ChatDecoder } from '../family.ts'

/** What OpenAI's chunks and those of its relatives have in common. */
interface Chunk<Choice> {
  id?: string
  model?: string
  choices?: Choice[]
  usage?: object | null
}

/** Walks over chat completion chunks; what a choice, an error and the usage look like is the relative's own. */
export abstract class ChunkDecoder<Choice, Body extends Chunk<Choice>> implements ChatDecoder {
  error: GatewayError | null = null
  finished = false
  complete = false
  protected readonly provider: string
  private started = false

  constructor (provider: string) {
    this.provider = provider
  }

  /** The failure that a chunk reports; null when it is a piece of the answer. */
  protected abstract errorOf (chunk: Body, choices: readonly Choice[]): GatewayError | null
  /** Sets `finished` when the choice has its finish. */
  protected abstract choice (choice: Choice, sink: ChatSink): void
  protected abstract usageOf (chunk: Body): ChatUsage | null
  /** Whether usage that comes with these choices, after the finish, is the last one. */
  protected abstract isLastUsage (choices: readonly Choice[]): boolean

  decode (event: StreamEvent, sink: ChatSink): StreamEventKind {
    if (event.dataLines === 0) return 'comment'
    if (isDoneEvent(event)) return 'done'
    const chunk = parseEventData(event) as Body | null
    if (typeof chunk !== 'object' || chunk === null) return 'hidden'
    const choices = Array.isArray(chunk.choices) ? chunk.choices : []
    this.error = this.errorOf(chunk, choices)
    if (this.error !== null) return 'error'
    if (!this.started && typeof chunk.id === 'string' && chunk.id !== '') {
      this.started = true
      sink.start(chunk.id, chunk.model ?? '')
    }
    for (const choice of choices) this.choice(choice, sink)
    const usage = this.usageOf(chunk)
    if (usage !== null) {
      sink.usage(usage)
      if (this.finished && this.isLastUsage(choices)) this.complete = true
    }
    return 'content'
  }
}
