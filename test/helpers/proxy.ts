import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { connect } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import type { TestContext } from 'node:test'

export interface TestProxy {
  url: string
  /** What it was asked for so far: the target, and the credentials that came along. */
  asked: { target: string, authorization: string | null }[]
}

interface ProxyOptions {
  /** Makes it an https proxy. */
  tls?: { cert: string, key: string }
  /** Answers in place of the tunnel, or says nothing. */
  onConnect?: (socket: Socket) => void
  /** Port on this machine to which it connects for every target, whatever its name. */
  port?: number
}

/** A proxy that knows CONNECT and nothing else. It passes on bytes, ends and resets as they come. */
export async function startProxy (t: TestContext, { tls, onConnect, port }: ProxyOptions = {}): Promise<TestProxy> {
  const sockets = new Set<Socket>()
  const keep = (socket: Socket): void => {
    sockets.add(socket)
    socket.on('close', () => { sockets.delete(socket) })
  }
  const asked: TestProxy['asked'] = []
  const server = tls === undefined ? createServer() : createTlsServer(tls)
  /** By the port of the other end: a reset is made below TLS. */
  const connections = new Map<number | undefined, Socket>()
  server.on('connection', (socket: Socket) => { connections.set(socket.remotePort, socket) })
  server.on('connect', (request: IncomingMessage, near: Socket) => {
    const target = request.url ?? ''
    asked.push({ target, authorization: request.headers['proxy-authorization'] ?? null })
    keep(near)
    near.on('error', () => {})
    if (onConnect !== undefined) {
      onConnect(near)
      return
    }
    const colon = target.lastIndexOf(':')
    const far = connect(port === undefined ? { host: target.slice(0, colon), port: Number(target.slice(colon + 1)) } : { host: '127.0.0.1', port }, () => {
      near.write('HTTP/1.1 200 Connection established\r\n\r\n')
      near.pipe(far).pipe(near)
    })
    keep(far)
    far.on('error', () => { connections.get(near.remotePort)?.resetAndDestroy() })
    near.on('close', () => { far.destroy() })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
    server.closeAllConnections()
  })
  return { url: `${tls === undefined ? 'http' : 'https'}://localhost:${(server.address() as AddressInfo).port}`, asked }
}
