import { eventStreamCodec } from '../../api/event-stream-codec.ts'

/** One event of Amazon's event stream. */
export function toFrame (type: string, payload: object): Uint8Array {
  return eventStreamCodec().encode({
    headers: {
      ':event-type': { type: 'string', value: type },
      ':content-type': { type: 'string', value: 'application/json' },
      ':message-type': { type: 'string', value: 'event' }
    },
    body: Buffer.from(JSON.stringify(payload))
  })
}
