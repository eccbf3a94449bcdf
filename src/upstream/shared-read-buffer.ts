import type { Socket } from 'node:net'
import { buildConnector } from 'undici'

/** Most bytes that one read of a socket takes. */
const readBytesMax = 64 * 1024

/** Every socket of the thread reads into this memory, one at a time: what came is copied out before the read returns. */
const readMemory = new Uint8Array(readBytesMax)

/**
 * undici's connector, but its sockets read into memory that is there already. Node otherwise allocates 64 KiB
 * for every read and shrinks it to what came, which for the short chunks of a stream costs more than
 * reading them. The copy is small and comes from Node's pool.
 */
export function createSharedReadConnector (options: buildConnector.BuildOptions): buildConnector.connector {
  return (target, callback) => {
    const onread = {
      buffer: readMemory,
      // What the stream answers decides whether reading goes on, as it would without this.
      callback: (bytes: number): boolean => socket.push(Buffer.from(readMemory.subarray(0, bytes)))
    }
    const socket = buildConnector({ ...options, onread } as buildConnector.BuildOptions)(target, callback) as unknown as Socket
  }
}
