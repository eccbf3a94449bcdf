import { crc32 } from 'node:zlib'

/** One frame of Amazon's event stream, built here without the library that the code under test uses. */
export function toFrame (headers: Readonly<Record<string, string>>, payload: unknown): Buffer {
  const head = Buffer.concat(Object.entries(headers).map(([name, value]) => {
    const bytes = Buffer.from(value)
    const length = Buffer.alloc(2)
    length.writeUInt16BE(bytes.length)
    return Buffer.concat([Buffer.from([Buffer.byteLength(name)]), Buffer.from(name), Buffer.from([7]), length, bytes])
  }))
  const body = Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload))
  const prelude = Buffer.alloc(8)
  prelude.writeUInt32BE(8 + 4 + head.length + body.length + 4, 0)
  prelude.writeUInt32BE(head.length, 4)
  const message = Buffer.concat([prelude, checksum(prelude), head, body])
  return Buffer.concat([message, checksum(message)])
}

/** @param type an exception's has a `!` in front */
export function toEventFrame (type: string, payload: unknown): Buffer {
  return toFrame(type.startsWith('!')
    ? { ':exception-type': type.slice(1), ':content-type': 'application/json', ':message-type': 'exception' }
    : { ':event-type': type, ':content-type': 'application/json', ':message-type': 'event' }, payload)
}

/** Type and payload of every frame; fails on a checksum that does not hold. */
export function readFrames (bytes: Buffer): [string, unknown][] {
  const frames: [string, unknown][] = []
  for (let at = 0; at < bytes.length;) {
    const end = at + bytes.readUInt32BE(at)
    const headEnd = at + 12 + bytes.readUInt32BE(at + 4)
    if (bytes.readUInt32BE(at + 8) !== crc32(bytes.subarray(at, at + 8)) || bytes.readUInt32BE(end - 4) !== crc32(bytes.subarray(at, end - 4))) throw new Error(`the checksum of the frame at ${at} does not hold`)
    const headers: Record<string, string> = {}
    for (let position = at + 12; position < headEnd;) {
      const nameEnd = position + 1 + (bytes[position] as number)
      const valueEnd = nameEnd + 3 + bytes.readUInt16BE(nameEnd + 1)
      headers[bytes.toString('utf8', position + 1, nameEnd)] = bytes.toString('utf8', nameEnd + 3, valueEnd)
      position = valueEnd
    }
    frames.push([headers[':event-type'] ?? `!${headers[':exception-type'] ?? ''}`, JSON.parse(bytes.toString('utf8', headEnd, end - 4))])
    at = end
  }
  return frames
}

function checksum (bytes: Buffer): Buffer {
  const sum = Buffer.alloc(4)
  sum.writeUInt32BE(crc32(bytes))
  return sum
}
