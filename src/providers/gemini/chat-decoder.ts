import type { ChatRequest } from '../../api/chat.ts'
import type { ChatSink } from '../../api/chat-sink.ts'
import type { StreamEvent, StreamEventKind } from '../../api/framing.ts'
import type { GatewayError } from '../../errors.ts'
import { parseEventData } from '../event-data.ts'
import type { ChatDecoder } from '../family.ts'
import { AnswerParts } from './answer-parts.ts'
import { toAnnotations } from './citations.ts'
import { toEmbeddedError } from './errors.ts'
import { toLogprobs } from './chat-reply.ts'
import { toFinishReason } from './finish-reasons.ts'
import { rewrittenNames } from './tool-names.ts'
import { toChatUsage } from './usage.ts'
import type { Candidate, GenerateContentResponse } from './wire.ts'

/** A candidate so far. */
interface Choice {
  parts: AnswerParts
  /** For the places of citations. */
  text: string
  finished: boolean
}

/** streamGenerateContent with `alt=sse`: every event is a whole response with what is new, and totals of the tokens so far. No end mark. */
export class GeminiChatDecoder implements ChatDecoder {
  error: GatewayError | null = null
  finished = false
  complete = false
  private readonly provider: string
  private readonly names: ReadonlyMap<string, string>
  private readonly choices = new Map<number, Choice>()
  private started = false
  private responseId = ''

  constructor (provider: string, request: ChatRequest | null) {
    this.provider = provider
    this.names = rewrittenNames(request)
  }

  decode (event: StreamEvent, sink: ChatSink): StreamEventKind {
    if (event.dataLines === 0) return 'comment'
    const response = parseEventData(event) as GenerateContentResponse | null
    if (typeof response !== 'object' || response === null) return 'hidden'
    this.error = toEmbeddedError(this.provider, response)
    if (this.error !== null) return 'error'
    this.start(response, sink)
    const candidates = Array.isArray(response.candidates) ? response.candidates : []
    for (const [position, candidate] of candidates.entries()) this.candidate(candidate, position, sink)
    const blocked = response.promptFeedback?.blockReason
    if (typeof blocked === 'string' && this.choices.size === 0) sink.finish(0, 'content_filter', { native: blocked })
    this.finished ||= typeof blocked === 'string' || (this.choices.size > 0 && [...this.choices.values()].every(({ finished }) => finished))
    const usage = toChatUsage(response.usageMetadata)
    if (usage !== null) sink.usage(usage)
    this.complete ||= this.finished && usage !== null
    return 'content'
  }

  private start ({ responseId, modelVersion }: GenerateContentResponse, sink: ChatSink): void {
    if (this.started) return
    this.started = true
    this.responseId = typeof responseId === 'string' ? responseId : ''
    sink.start(this.responseId, typeof modelVersion === 'string' ? modelVersion : '')
  }

  private candidate (candidate: Candidate, position: number, sink: ChatSink): void {
    const index = candidate?.index ?? position
    const choice = this.choiceOf(index)
    const before = choice.parts.calls
    const parts = candidate?.content?.parts
    const { calls, ...said } = choice.parts.read(Array.isArray(parts) ? parts : [], this.responseId)
    choice.text += said.content ?? ''
    const annotations = toAnnotations(candidate?.groundingMetadata, choice.text)
    const toolCalls = calls.map((call, offset) => ({ index: before + offset, ...call }))
    const logprobs = toLogprobs(candidate?.logprobsResult) ?? undefined
    if (Object.keys(said).length > 0 || toolCalls.length > 0 || annotations.length > 0 || logprobs !== undefined) {
      sink.delta(index, { ...said, ...toolCalls.length === 0 ? {} : { tool_calls: toolCalls }, ...annotations.length === 0 ? {} : { annotations } }, logprobs)
    }
    const reason = candidate?.finishReason
    if (typeof reason !== 'string' || reason === '' || choice.finished) return
    choice.finished = true
    sink.finish(index, toFinishReason(reason, choice.parts.calls > 0), { native: reason })
  }

  private choiceOf (index: number): Choice {
    let choice = this.choices.get(index)
    if (choice === undefined) this.choices.set(index, choice = { parts: new AnswerParts(index, this.names), text: '', finished: false })
    return choice
  }
}
