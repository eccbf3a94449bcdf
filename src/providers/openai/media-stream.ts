import type { StreamEvent, StreamEventKind } from '../../api/framing.ts'
import { createUsage } from '../../api/usage.ts'
import type { Usage } from '../../api/usage.ts'
import type { GatewayError } from '../../errors.ts'
import type { StreamTranslator } from '../adapter.ts'
import { parseEventData } from '../event-data.ts'
import { toEmbeddedError } from './errors.ts'
import { toUsage } from './usage.ts'
import { UnchangedStream } from '../unchanged-stream.ts'

const errorType = /"type"\s*:\s*"error"|^\s*\{\s*"error"/
/** `image_generation.completed`, `image_edit.completed`, `transcript.text.done`, `speech.audio.done`. */
const lastType = /"type"\s*:\s*"(?:image_generation\.completed|image_edit\.completed|transcript\.text\.done|speech\.audio\.done)"/
/** Where an event says its type and its usage: what lies between may be megabytes of an image. */
const edgeBytes = 1024

/** Streams of images, transcripts and speech: events with a `type`, of which the last one has the usage. They go on as they came. */
export class OpenAiMediaStream extends UnchangedStream implements StreamTranslator {
  readonly usage: Usage = createUsage()
  /** An image or a sound has no count before its end. */
  readonly unreportedTokens = 0
  finished = false
  complete = false
  error: GatewayError | null = null
  private readonly provider: string

  constructor (provider: string) {
    super()
    this.provider = provider
  }

  classify (event: StreamEvent): StreamEventKind {
    if (event.dataLines === 0) return 'comment'
    const text = edgesOf(event)
    if (text === '[DONE]') return 'done'
    if (errorType.test(text)) {
      this.error = toEmbeddedError(this.provider, parseEventData(event))
      if (this.error !== null) return 'error'
    }
    if (!lastType.test(text)) return 'content'
    toUsage((parseEventData(event) as { usage?: unknown } | null)?.usage, this.usage)
    // Several images have a last event each: the connection's end is the end.
    this.finished = true
    return 'content'
  }
}

function edgesOf ({ bytes, dataStart, dataEnd }: StreamEvent): string {
  const data = Buffer.from(bytes.buffer, bytes.byteOffset + dataStart, dataEnd - dataStart)
  if (data.length <= 2 * edgeBytes) return data.toString('latin1')
  return data.toString('latin1', 0, edgeBytes) + data.toString('latin1', data.length - edgeBytes)
}
