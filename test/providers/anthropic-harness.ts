import type { ChatSink, FinishDetail } from '../../src/api/chat-sink.ts'
import type { ChatDelta, ChatUsage, FinishReason, JsonObject } from '../../src/api/chat.ts'
import type { StreamEventKind } from '../../src/api/framing.ts'
import type { ProviderSettings } from '../../src/api/settings.ts'
import type { ChatDecoder, TranslationContext } from '../../src/providers/family.ts'
import { SseSplitter } from '../../src/upstream/sse-splitter.ts'

export type SinkCall = ['start', string, string] | ['delta', number, ChatDelta] | ['finish', number, FinishReason, FinishDetail?] | ['usage', ChatUsage]

class CallList implements ChatSink {
  readonly calls: SinkCall[] = []

  start (id: string, model: string): void { this.calls.push(['start', id, model]) }
  delta (choice: number, delta: ChatDelta): void { this.calls.push(['delta', choice, delta]) }
  finish (choice: number, reason: FinishReason, detail?: FinishDetail): void { this.calls.push(detail === undefined ? ['finish', choice, reason] : ['finish', choice, reason, detail]) }
  usage (usage: ChatUsage): void { this.calls.push(['usage', usage]) }
}

/** Runs pieces of a stream through the splitter and a decoder, as the attempt does. */
export function decode (decoder: ChatDecoder, ...pieces: Uint8Array[]): { calls: SinkCall[], kinds: StreamEventKind[] } {
  const sink = new CallList()
  const kinds: StreamEventKind[] = []
  const splitter = new SseSplitter(1 << 20)
  for (const piece of pieces) splitter.push(piece, (event) => { kinds.push(decoder.decode(event, sink)) })
  return { calls: sink.calls, kinds }
}

export function createContext (more: Partial<TranslationContext> = {}): TranslationContext & { dropped: string[] } {
  const dropped: string[] = []
  return {
    model: 'claude-haiku-4-5',
    keyIndex: 0,
    stream: false,
    passExtraParams: false,
    drop: (member) => { if (!dropped.includes(member)) dropped.push(member) },
    dropped,
    ...more
  }
}

/** What the family reads of them. */
export function createSettings (more: Partial<ProviderSettings> = {}): ProviderSettings {
  return {
    name: 'anthropic',
    kind: 'anthropic',
    baseUrl: 'https://api.anthropic.com',
    keys: [{ id: 'k', name: 'k', value: 'secret', models: ['*'], blacklistedModels: [], weight: 1, enabled: true, aliases: {} }],
    extraHeaders: {},
    operations: ['chat_completion', 'responses', 'count_tokens'],
    nativeOperations: ['chat_completion', 'count_tokens'],
    paths: { chat_completion: '/v1/messages', responses: '/v1/messages', count_tokens: '/v1/messages/count_tokens', text_completion: '', embedding: '', rerank: '' },
    ...more
  } as ProviderSettings
}

/** Puts a value in the place of the one that a list of turns leads to. */
export function replaceAt (value: unknown, turns: readonly number[], replacement: unknown): unknown {
  const [turn, ...rest] = turns
  if (turn === undefined || typeof value !== 'object' || value === null || Object.keys(value).length === 0) return replacement
  const names = Object.keys(value)
  const name = names[turn % names.length] as string
  const copy = Array.isArray(value) ? [...value as unknown[]] : { ...value }
  ;(copy as JsonObject)[name] = replaceAt((copy as JsonObject)[name], rest, replacement)
  return copy
}
