import type { EventSink, StreamEvent, StreamEventKind } from '../api/framing.ts'

const noBytes = new Uint8Array(0)

/** What streams have in common that go on byte for byte. */
export abstract class UnchangedStream {
  isOpening (_event: StreamEvent): boolean {
    return false
  }

  write ({ bytes, start, end }: StreamEvent, _kind: StreamEventKind, _latencyMs: number, sink: EventSink): void {
    sink.append(bytes, start, end)
  }

  takeMissingEnd (): Uint8Array {
    return noBytes
  }
}
