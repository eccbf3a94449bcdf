import { connect } from 'node:net'

export interface RawAnswer {
  /** Everything that came back. */
  text: string
  /** The gateway ended or reset the connection before the time was over. */
  closed: boolean
  /** Bytes that the socket took from us. */
  sentBytes: number
}

export interface RawOptions {
  /** How long to listen when the gateway neither closes nor says anything more. */
  quietMs?: number
  /** Ends the wait as soon as it is true. */
  enough?: (text: string) => boolean
}

/** Sends bytes as they are and collects what comes back, until the end of the connection or silence. */
export function sendRaw (port: number, pieces: ReadonlyArray<string | Buffer>, { quietMs = 300, enough = () => false }: RawOptions = {}): Promise<RawAnswer> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    let text = ''
    let timer: NodeJS.Timeout
    const done = (closed: boolean): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve({ text, closed, sentBytes: socket.bytesWritten })
    }
    const listen = (): void => {
      clearTimeout(timer)
      timer = setTimeout(() => { done(false) }, quietMs)
    }
    listen()
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1')
      if (enough(text)) done(false)
      else listen()
    })
    socket.on('end', () => { done(true) })
    socket.on('error', () => { done(true) })
    socket.on('close', () => { done(true) })
    for (const piece of pieces) socket.write(piece)
  })
}

/** The status codes in what came back, in order. */
export function statusesOf (text: string): number[] {
  return [...text.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)].map((match) => Number(match[1]))
}

export const jsonOf = (model: string): string => JSON.stringify({ model, messages: [{ role: 'user', content: 'x' }] })

/** A well-formed chat request. */
export function chatRequest (model: string, headers: readonly string[] = []): string {
  const body = jsonOf(model)
  return ['POST /v1/chat/completions HTTP/1.1', 'Host: x', 'Content-Type: application/json', `Content-Length: ${Buffer.byteLength(body)}`, ...headers, '', body].join('\r\n')
}
