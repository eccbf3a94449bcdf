import type { Socket } from 'node:net'
import { buildConnector } from 'undici'

/** Most bytes that one read of a socket takes. */
const readBytesMax = 64 * 1024
/** Pieces that are longer together are written as they are. */
const joinedBytesMax = 64 * 1024

/** Every socket of the thread reads into this memory, one at a time: what came is copied out before the read returns. */
const readMemory = new Uint8Array(readBytesMax)

/** Of `ConnectionReset`: not Node's own, by which undici would know it. */
export const resetCode = 'ERR_CONNECTION_RESET'

/** undici takes ECONNRESET for the end of a body without a length, and an assertion of its own throws when it is paused then. */
class ConnectionReset extends Error {
  readonly code = resetCode
}

/** What a stream hands to `_writev`. */
interface Piece {
  chunk: Uint8Array | string
  encoding: BufferEncoding | 'buffer'
}

/**
 * undici's connector, but its sockets go past the parts of Node's streams that only cost here (a fifth of what undici and its sockets take,
 * `bench/micro/upstream.ts`):
 * - They read into memory that is there already. Node otherwise allocates 64 KiB for every read and shrinks it to what came.
 * - The reader is called at once and takes what came from hand to hand, without the stream's buffer and two more callbacks. What it does not
 *   take, because it is paused, goes the stream's usual way.
 * - Head and body of a request are written as one piece.
 * A connection that ends or breaks while the reader is paused says so when undici can bear it, and a new one resumes the TLS session of the one before.
 */
export function createConnector (options: buildConnector.BuildOptions): buildConnector.connector {
  let session: Buffer | undefined
  return (target, callback) => {
    /** Between the socket and its reader, as long as that is called. */
    let offered: Buffer | null = null
    const onread = {
      buffer: readMemory,
      /** @returns whether reading goes on */
      callback: (bytes: number): boolean => {
        const chunk = Buffer.from(readMemory.subarray(0, bytes))
        if (socket.readableLength > 0) return socket.push(chunk)
        offered = chunk
        socket.emit('readable')
        if (offered === null) return true
        offered = null
        return socket.push(chunk)
      }
    }
    const connect = buildConnector({ ...options, session, onread } as buildConnector.BuildOptions)
    const socket = connect(target, callback) as unknown as Socket
    socket.on('session', (latest: Buffer) => { session = latest })
    const { destroy, push, read, _write: write, _writev: writev } = socket
    let ended = false
    socket.push = (chunk: unknown, encoding?: BufferEncoding): boolean => {
      if (chunk === null) ended = true
      return push.call(socket, chunk, encoding)
    }
    socket.read = (size?: number): Buffer | null => {
      // Node's own, which starts the reading and takes nothing. It would tell of the end, which undici does not survive while it is paused.
      if (size === 0) return ended ? null : read.call(socket, 0) as null
      const chunk = offered
      offered = null
      if (chunk !== null) return chunk
      // Exactly what there is: with more, the stream would tell of its end together with the last bytes.
      if (socket.readableLength > 0) return read.call(socket, socket.readableLength) as Buffer
      return ended ? read.call(socket) as null : null
    }
    socket.destroy = (error?: Error & { code?: string }): Socket => destroy.call(socket, error?.code === 'ECONNRESET' ? new ConnectionReset(error.message, { cause: error }) : error)
    socket._writev = (pieces: Piece[], done: (error?: Error | null) => void): void => {
      const joined = join(pieces)
      if (joined === null) (writev as NonNullable<typeof writev>).call(socket, pieces as Parameters<NonNullable<typeof writev>>[0], done)
      else write.call(socket, joined, 'buffer' as BufferEncoding, done)
    }
  }
}

/** @returns null for what is too long to be copied */
function join (pieces: readonly Piece[]): Buffer | null {
  let bytes = 0
  for (const { chunk, encoding } of pieces) bytes += typeof chunk === 'string' ? Buffer.byteLength(chunk, encoding as BufferEncoding) : chunk.length
  if (bytes > joinedBytesMax) return null
  const joined = Buffer.allocUnsafe(bytes)
  let at = 0
  for (const { chunk, encoding } of pieces) {
    if (typeof chunk === 'string') at += joined.write(chunk, at, encoding as BufferEncoding)
    else {
      joined.set(chunk, at)
      at += chunk.length
    }
  }
  return joined
}
