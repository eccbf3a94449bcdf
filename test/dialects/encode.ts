import type { ChatSink } from '../../src/api/chat-sink.ts'
import type { ChatEncoder } from '../../src/dialects/dialect.ts'

/** Calls of a sink, as data. */
export type SinkCall = { [Name in keyof ChatSink]: [Name, ...Parameters<ChatSink[Name]>] }[keyof ChatSink]

/** What an encoder writes for these calls, each in an event of its own, and at the end. */
export function encode (encoder: ChatEncoder, calls: readonly SinkCall[]): Buffer {
  const written: Buffer[] = []
  const sink = {
    append: (bytes: Uint8Array, start: number, end: number) => { written.push(Buffer.from(bytes.slice(start, end))) },
    appendAscii: (text: string) => { written.push(Buffer.from(text, 'latin1')) }
  }
  for (const call of calls) {
    encoder.begin(sink, 5)
    switch (call[0]) {
      case 'start': encoder.start(call[1], call[2]); break
      case 'delta': encoder.delta(call[1], call[2]); break
      case 'finish': encoder.finish(call[1], call[2], call[3]); break
      case 'usage': encoder.usage(call[1]); break
    }
  }
  encoder.begin(sink, 5)
  encoder.end()
  return Buffer.concat(written)
}
