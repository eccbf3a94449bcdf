import { createParser } from 'eventsource-parser'
import type { JobFrame } from '../../src/api/job.ts'
import type { Usage } from '../../src/api/usage.ts'
import type { StreamEventKind } from '../../src/api/framing.ts'
import { OpenAiStream } from '../../src/providers/openai/stream.ts'
import { SseSplitter } from '../../src/upstream/sse-splitter.ts'

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

/** The usage that the last event with one reports, read without any of our code. */
export function lastUsage (bytes: Uint8Array): Usage {
  const usage: Usage = { inputTokens: 0, outputTokens: 0 }
  for (const data of dataOf(bytes)) {
    if (data === '[DONE]') continue
    const event = JSON.parse(data) as { usage?: Counts, response?: { usage?: Counts } }
    const counts = event.usage ?? event.response?.usage
    if (counts === null || counts === undefined) continue
    usage.inputTokens = (counts.prompt_tokens ?? counts.input_tokens) as number
    usage.outputTokens = (counts.completion_tokens ?? counts.output_tokens) as number
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
