import { EventStreamCodec } from '@smithy/eventstream-codec'

const codec = new EventStreamCodec((bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'), (text) => Buffer.from(text))

/** One event of Amazon's event stream. */
export function toFrame (type: string, payload: object): Uint8Array {
  return codec.encode({
    headers: {
      ':event-type': { type: 'string', value: type },
      ':content-type': { type: 'string', value: 'application/json' },
      ':message-type': { type: 'string', value: 'event' }
    },
    body: Buffer.from(JSON.stringify(payload))
  })
}
