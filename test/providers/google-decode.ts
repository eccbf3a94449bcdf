import type { ChatSink } from '../../src/api/chat-sink.ts'
import type { StreamEventKind } from '../../src/api/framing.ts'
import type { ChatDecoder } from '../../src/providers/family.ts'
import { SseSplitter } from '../../src/upstream/sse-splitter.ts'

export interface Decoded {
  /** What the sink was told, name and arguments; `['error', status]` for an error. */
  calls: unknown[][]
  kinds: StreamEventKind[]
  decoder: ChatDecoder
}

/** Runs a stream, in these pieces, through splitter and decoder. */
export function decodeStream (decoder: ChatDecoder, pieces: readonly Uint8Array[]): Decoded {
  const calls: unknown[][] = []
  const kinds: StreamEventKind[] = []
  const sink: ChatSink = {
    start: (id, model) => { calls.push(['start', id, model]) },
    delta: (choice, delta) => { calls.push(['delta', choice, delta]) },
    finish: (choice, reason, detail) => { calls.push(['finish', choice, reason, detail?.native]) },
    usage: (usage) => { calls.push(['usage', usage]) }
  }
  const splitter = new SseSplitter(1 << 22)
  for (const piece of pieces) {
    splitter.push(piece, (event) => {
      const kind = decoder.decode(event, sink)
      kinds.push(kind)
      if (kind === 'error') calls.push(['error', decoder.error?.status])
    })
  }
  return { calls, kinds, decoder }
}
