import type { Socket } from 'node:net'
import type { buildConnector } from 'undici'
import type { ProxySettings } from '../api/settings.ts'
import { openTunnel } from './tunnel.ts'
import { buildConnector as build } from './undici.ts'

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

/** Of `buildConnector`, with what it otherwise guesses. */
type ConnectorOptions = buildConnector.BuildOptions & { timeout: number }
type ConnectTarget = buildConnector.Options
/** As undici has it for the sockets that it opens itself. */
const keepAliveDelayMs = 60_000

/** What a stream hands to `_writev`. */
interface Piece {
  chunk: Uint8Array | string
  encoding: BufferEncoding | 'buffer'
}

/**
 * Connects as undici does, directly or through a proxy, but its sockets go past the parts of Node's streams that only cost here (a fifth of what undici and its sockets take,
 * `bench/micro/upstream.ts`):
 * - They read into memory that is there already. Node otherwise allocates 64 KiB for every read and shrinks it to what came.
 * - The reader is called at once and takes what came from hand to hand, without the stream's buffer and two more callbacks. What it does not
 *   take, because it is paused, goes the stream's usual way.
 * (Those two cannot be had through a proxy: such sockets exist before they are handed over.)
 * - Head and body of a request are written as one piece.
 * A connection that ends or breaks while the reader is paused says so when undici can bear it, and a new one resumes the TLS session of the one before.
 * @param onArrival called when a direct connection has brought something, before it is looked at
 */
export function createConnector (options: ConnectorOptions, proxy: ProxySettings | null = null, onArrival = (): void => {}): buildConnector.connector {
  let session: Buffer | undefined
  const connect = (target: ConnectTarget, callback: buildConnector.Callback, more: object): Socket => {
    const socket = build({ ...options, session, ...more } as buildConnector.BuildOptions)(target, callback) as unknown as Socket
    socket.on('session', (latest: Buffer) => { session = latest })
    return socket
  }
  return proxy === null
    ? (target, callback) => { connectDirectly((onread) => connect(target, callback, { onread }), onArrival) }
    : (target, callback) => {
        const isTls = target.protocol === 'https:'
        const port = Number(target.port) || (isTls ? 443 : 80)
        openTunnel(proxy, { host: target.hostname, port }, options.timeout).then((socket) => {
          if (isTls) {
            // What happens to it, the one above it tells.
            socket.on('error', () => {})
            adapt(connect({ ...target, httpSocket: socket } as ConnectTarget, callback, {}), null)
            return
          }
          adapt(socket.setKeepAlive(true, keepAliveDelayMs).setNoDelay(true), null)
          callback(null, socket)
        }, (error: Error) => { callback(error, null) })
      }
}

/** What a socket has read, between it and its reader, for as long as that is called. */
interface Offer {
  chunk: Buffer | null
}

/** @param connect with where the socket is to read to */
function connectDirectly (connect: (onread: object) => Socket, onArrival: () => void): void {
  const offer: Offer = { chunk: null }
  const socket = connect({
    buffer: readMemory,
    /** @returns whether reading goes on */
    callback: (bytes: number): boolean => {
      onArrival()
      const chunk = Buffer.from(readMemory.subarray(0, bytes))
      if (socket.readableLength > 0) return socket.push(chunk)
      offer.chunk = chunk
      socket.emit('readable')
      if (offer.chunk === null) return true
      offer.chunk = null
      return socket.push(chunk)
    }
  })
  adapt(socket, offer)
}

/** @param offer null for a socket that reads in its own way */
function adapt (socket: Socket, offer: Offer | null): void {
  const { destroy, push, read, _write: write, _writev: writev } = socket
  let ended = false
  socket.push = (chunk: unknown, encoding?: BufferEncoding): boolean => {
    if (chunk === null) ended = true
    return push.call(socket, chunk, encoding)
  }
  socket.read = (size?: number): Buffer | null => {
    // Node's own, which starts the reading and takes nothing. It would tell of the end, which undici does not survive while it is paused.
    if (size === 0) return ended ? null : read.call(socket, 0) as null
    if (offer !== null && offer.chunk !== null) {
      const { chunk } = offer
      offer.chunk = null
      return chunk
    }
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
