import { createParser } from 'eventsource-parser'
import type { JobFrame } from '../../src/api/job.ts'
import type { Usage } from '../../src/api/usage.ts'
import type { StreamEventKind } from '../../src/api/framing.ts'
import { OpenAiStream } from '../../src/providers/openai/stream.ts'
import { SseSplitter } from '../../src/upstream/sse-splitter.ts'
import { createUsage } from '../../src/api/usage.ts'

export interface Replay {
  stream: OpenAiStream
  kinds: StreamEventKind[]
  /** What the client gets: written events, `[DONE]` as it came. */
  output: Buffer
}

/** Runs a stream through splitter and translator, as the attempt does. */
export function replayStream (job: JobFrame, bytes: Uint8Array, latencyMs = 5): Replay {
  const stream = new OpenAiStream('test', job)
  const kinds: StreamEventKind[] = []
  const written: Buffer[] = []
  const sink = {
    append: (source: Uint8Array, start: number, end: number) => { written.push(Buffer.from(source.subarray(start, end))) },
    appendAscii: (text: string) => { written.push(Buffer.from(text, 'latin1')) }
  }
  new SseSplitter(1 << 20).push(bytes, (event) => {
    const kind = stream.classify(event)
    kinds.push(kind)
    if (kind !== 'hidden' && kind !== 'error') stream.write(event, kind, latencyMs, sink)
  })
  return { stream, kinds, output: Buffer.concat(written) }
}

/** Every data text of a stream, by the reference parser. */
export function dataOf (bytes: Uint8Array): string[] {
  const list: string[] = []
  const parser = createParser({ onEvent: ({ data }) => { list.push(data) } })
  parser.feed(new TextDecoder().decode(bytes))
  return list
}

type Counts = Record<string, unknown> | null | undefined

/** Every spelling that providers use, read without any of our code. */
export function countsOf (counts: Counts, usage: Usage = createUsage()): Usage {
  if (counts === null || counts === undefined) return usage
  type Details = Record<string, number | null | undefined>
  const input = (counts.prompt_tokens_details ?? counts.input_tokens_details ?? {}) as Details
  const output = (counts.completion_tokens_details ?? counts.output_tokens_details ?? {}) as Details
  const of = (...values: unknown[]): number | undefined => values.find((value): value is number => typeof value === 'number')
  return {
    inputTokens: of(counts.prompt_tokens, counts.input_tokens) ?? usage.inputTokens,
    outputTokens: of(counts.completion_tokens, counts.output_tokens) ?? usage.outputTokens,
    cachedTokens: of(input.cached_tokens, counts.prompt_cache_hit_tokens, counts.num_cached_tokens) ?? usage.cachedTokens,
    cacheWriteTokens: of(input.cache_write_tokens) ?? usage.cacheWriteTokens,
    reasoningTokens: of(output.reasoning_tokens) ?? usage.reasoningTokens,
    audioInputTokens: of(input.audio_tokens) ?? usage.audioInputTokens,
    audioOutputTokens: of(output.audio_tokens) ?? usage.audioOutputTokens,
    estimatedTokens: 0
  }
}

/** The usage that the events report, the last one counting. */
export function lastUsage (bytes: Uint8Array): Usage {
  let usage = createUsage()
  for (const data of dataOf(bytes)) {
    if (data === '[DONE]') continue
    const event = JSON.parse(data) as { usage?: Counts, response?: { usage?: Counts } }
    usage = countsOf(event.usage ?? event.response?.usage, usage)
  }
  return usage
}

interface Delta { content?: unknown, reasoning?: unknown, reasoning_content?: unknown, tool_calls?: { function?: { name?: unknown, arguments?: unknown } }[] }

/** All text and tool calls that the events of a chat or Responses stream carry, in order. */
export function contentOf (bytes: Uint8Array): string {
  const text = (value: unknown): string => typeof value === 'string' ? value : value === null || value === undefined ? '' : JSON.stringify(value)
  return dataOf(bytes).filter((data) => data !== '[DONE]').map((data) => {
    const event = JSON.parse(data) as { delta?: unknown, choices?: { delta?: Delta }[] }
    return text(event.delta) + (event.choices ?? []).map(({ delta = {} }) =>
      text(delta.reasoning) + text(delta.reasoning_content) + text(delta.content) +
      (delta.tool_calls ?? []).map((call) => text(call.function?.name) + text(call.function?.arguments)).join('')).join('')
  }).join('')
}
