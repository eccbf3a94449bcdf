import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Owner } from '../helpers/gateway.ts'

/** A PNG of one pixel. */
export const png = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64')

export interface FileServer {
  /** `127.0.0.1:port` */
  host: string
  url: string
  requests: IncomingMessage[]
  /** Connections that are open now. */
  connections: () => Promise<number>
  /** It listens no more. */
  stop: () => void
}

/** A web server with whatever files `answer` has. */
export async function startFileServer (owner: Owner, answer: (path: string, response: ServerResponse) => void): Promise<FileServer> {
  const requests: IncomingMessage[] = []
  const server = createServer((request, response) => {
    requests.push(request)
    answer(request.url ?? '', response)
  })
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  const stop = (): void => {
    server.close()
    server.closeAllConnections()
  }
  owner.after(async () => { stop() })
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  const connections = (): Promise<number> => new Promise((resolve) => { server.getConnections((_error, count) => { resolve(count) }) })
  return { host, url: `http://${host}`, requests, connections, stop }
}
