import { arrayComma, arrayEnd, arrayStart } from '../api/json-array.ts'
import type { Usage } from '../api/usage.ts'
import type { GatewayError } from '../errors.ts'
import type { EventSink, StreamEvent, StreamEventKind } from '../api/framing.ts'
import type { StreamTranslator } from '../providers/adapter.ts'
import type { ChatSink } from '../api/chat-sink.ts'
import type { ChatDecoder } from '../providers/family.ts'
import { UnchangedStream } from '../providers/unchanged-stream.ts'
import { StreamUsage } from './stream-usage.ts'

/** A stream whose dialect the client speaks too: events go through as they came; the decoder only says what they mean. */
export class NativeStream extends UnchangedStream implements StreamTranslator {
  private readonly decoder: ChatDecoder
  private readonly counted = new StreamUsage()
  private said = false
  private readonly sink: ChatSink = {
    start: () => {},
    delta: (_choice, delta) => {
      this.counted.said(delta)
      this.said ||= Object.entries(delta).some(([name, value]) => name !== 'role' && value !== '')
    },
    finish: () => { this.said = true },
    usage: (usage) => { this.counted.reported(usage) }
  }

  constructor (decoder: ChatDecoder) {
    super()
    this.decoder = decoder
  }

  get usage (): Usage { return this.counted.usage }
  get unreportedTokens (): number { return this.counted.unreportedTokens }
  get finished (): boolean { return this.decoder.finished }
  get complete (): boolean { return this.decoder.complete }
  get error (): GatewayError | null { return this.decoder.error }

  classify (event: StreamEvent): StreamEventKind {
    const kind = this.decoder.decode(event, this.sink)
    // What means nothing to the gateway may mean something to the client.
    return kind === 'hidden' ? 'content' : kind
  }

  override isOpening (_event: StreamEvent): boolean {
    return !this.said
  }
}

const openBrace = 0x7b

/** The same as one JSON array: the data of the events, without what makes them events. */
export class NativeArrayStream extends NativeStream {
  private begun = false

  override write (event: StreamEvent, _kind: StreamEventKind, _latencyMs: number, sink: EventSink): void {
    const { bytes, dataLines, dataStart, dataEnd } = event
    // Comments, and what is no object, would leave the array without an element where a comma stands.
    if (dataLines !== 1 || bytes[dataStart] !== openBrace) return
    sink.appendAscii(this.begun ? arrayComma : arrayStart)
    this.begun = true
    sink.append(bytes, dataStart, dataEnd)
  }

  override takeMissingEnd (): Uint8Array {
    return Buffer.from(this.begun ? arrayEnd : `${arrayStart}${arrayEnd}`)
  }
}
