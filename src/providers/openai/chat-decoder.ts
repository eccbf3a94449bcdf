import type { ChatDelta, ChatUsage, FinishReason } from '../../api/chat.ts'
import type { GatewayError } from '../../errors.ts'
import type { StreamEvent, StreamEventKind } from '../../api/framing.ts'
import { isDoneEvent, parseEventData } from '../event-data.ts'
import type { ChatSink } from '../../api/chat-sink.ts'
import type { ChatDecoder } from '../family.ts'
import { toEmbeddedError } from './errors.ts'

const finishReasons: Readonly<Record<string, FinishReason>> = { stop: 'stop', length: 'length', tool_calls: 'tool_calls', content_filter: 'content_filter', function_call: 'tool_calls', model_length: 'length', eos: 'stop' }

interface Chunk {
  id?: string
  model?: string
  choices?: { index?: number, delta?: ChatDelta & { reasoning?: string | null }, finish_reason?: string | null }[]
  usage?: ChatUsage | null
}

/** Chat completion chunks of OpenAI and of everyone who copied it. */
export class OpenAiChatDecoder implements ChatDecoder {
  error: GatewayError | null = null
  finished = false
  complete = false
  private readonly provider: string
  private started = false

  constructor (provider: string) {
    this.provider = provider
  }

  decode (event: StreamEvent, sink: ChatSink): StreamEventKind {
    if (event.dataLines === 0) return 'comment'
    if (isDoneEvent(event)) return 'done'
    const chunk = parseEventData(event) as Chunk | null
    if (typeof chunk !== 'object' || chunk === null) return 'hidden'
    const choices = Array.isArray(chunk.choices) ? chunk.choices : []
    if (choices.length === 0 || choices.some((choice) => choice.finish_reason === 'error')) {
      this.error = toEmbeddedError(this.provider, chunk)
      if (this.error !== null) return 'error'
    }
    if (!this.started && typeof chunk.id === 'string' && chunk.id !== '') {
      this.started = true
      sink.start(chunk.id, chunk.model ?? '')
    }
    for (const choice of choices) this.choice(choice, sink)
    if (typeof chunk.usage === 'object' && chunk.usage !== null) {
      sink.usage(chunk.usage)
      if (this.finished && choices.length === 0) this.complete = true
    }
    return 'content'
  }

  private choice ({ index = 0, delta, finish_reason: reason }: NonNullable<Chunk['choices']>[number], sink: ChatSink): void {
    const said = delta === undefined ? {} : toDelta(delta)
    if (Object.keys(said).length > 0) sink.delta(index, said)
    if (reason === null || reason === undefined || reason === '') return
    this.finished = true
    sink.finish(index, finishReasons[reason] ?? 'stop', { native: reason })
  }
}

/** What the canonical form names; members that are empty say nothing. */
function toDelta ({ reasoning, ...delta }: ChatDelta & { reasoning?: string | null }): ChatDelta {
  const said: ChatDelta = Object.fromEntries(Object.entries(delta).filter(([, value]) => value !== null && value !== undefined))
  if (typeof reasoning === 'string' && reasoning !== '' && said.reasoning_content === undefined) said.reasoning_content = reasoning
  return said
}
