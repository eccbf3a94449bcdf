import type { StreamEvent, StreamEventKind } from '../api/framing.ts'
import { noUsage } from '../api/usage.ts'
import type { StreamTranslator } from './adapter.ts'
import { UnchangedStream } from './unchanged-stream.ts'

/** Bytes that go on as they come, sound or a file for instance. The length that the provider announced says whether they are complete, and HTTP sees to that. */
export class RelayedBytes extends UnchangedStream implements StreamTranslator {
  readonly usage = noUsage
  readonly unreportedTokens = 0
  readonly finished = false
  readonly complete = false
  readonly error = null

  classify (_event: StreamEvent): StreamEventKind {
    return 'content'
  }
}
