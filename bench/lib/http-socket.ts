import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { ResponseParser } from './response-parser.ts'
import type { ResponseHandler } from './response-parser.ts'

/** A request as data, so that it can be handed to a load process. */
export interface LoadRequest {
  /** POST when absent. */
  method?: string
  port: number
  path: string
  headers: Record<string, string>
  body: string
}

export function toRequestBytes (request: LoadRequest): Buffer {
  const length = Buffer.byteLength(request.body)
  const headers = { host: `127.0.0.1:${request.port}`, 'content-type': 'application/json', 'content-length': String(length), ...request.headers }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.from(`${request.method ?? 'POST'} ${request.path} HTTP/1.1\r\n${lines.join('')}\r\n${request.body}`)
}

export interface SocketHandler extends ResponseHandler {
  onConnect(): void
  /** The connection is gone; an answer that was under way will not come. */
  onClose(error: Error | null): void
}

const readBufferBytes = 64 * 1024

/** One keep-alive connection to this machine. Reads go to one buffer of its own, without an allocation per read. */
export function connectSocket (port: number, handler: SocketHandler): Socket {
  const parser = new ResponseParser(handler)
  let failure: Error | null = null
  const socket = connect({
    port,
    host: '127.0.0.1',
    noDelay: true,
    onread: {
      buffer: Buffer.allocUnsafeSlow(readBufferBytes),
      callback: (length, buffer) => {
        try {
          parser.push((buffer as Buffer).subarray(0, length))
        } catch (error) {
          socket.destroy(error as Error)
        }
        return true
      }
    }
  })
  socket.on('connect', () => { handler.onConnect() })
  socket.on('error', (error) => { failure = error })
  socket.on('close', () => { handler.onClose(failure) })
  return socket
}
