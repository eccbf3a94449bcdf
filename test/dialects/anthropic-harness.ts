import { AnthropicChatEncoder } from '../../src/dialects/anthropic/chat-stream.ts'
import type { AnswerContext } from '../../src/dialects/dialect.ts'
import type { SinkCall } from '../providers/anthropic-harness.ts'

export function createAnswerContext (): AnswerContext {
  let ids = 0
  return { model: 'asked', nowSeconds: 1_700_000_000, newId: () => `id${++ids}`, includeUsage: true, extraFields: '', jsonArray: false }
}

/** Plays calls to an encoder, one event each. `ping` stands for a sign of life. @returns what the client gets */
export function encode (calls: readonly (SinkCall | 'ping')[]): Buffer {
  const encoder = new AnthropicChatEncoder(createAnswerContext())
  const written: Buffer[] = []
  const sink = {
    append: (bytes: Uint8Array, start: number, end: number) => { written.push(Buffer.from(bytes.subarray(start, end))) },
    appendAscii: (text: string) => { written.push(Buffer.from(text, 'latin1')) }
  }
  for (const call of calls) {
    encoder.begin(sink, 5)
    if (call === 'ping') encoder.ping()
    else if (call[0] === 'start') encoder.start(call[1], call[2])
    else if (call[0] === 'delta') encoder.delta(call[1], call[2])
    else if (call[0] === 'finish') encoder.finish(call[1], call[2], call[3])
    else encoder.usage(call[1])
  }
  encoder.begin(sink, 5)
  encoder.end()
  return Buffer.concat(written)
}
