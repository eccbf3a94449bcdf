// The shape of the gateway without the gateway: a uWebSockets.js front, one worker thread, one undici client per socket, a message each way, and
// nothing else. It routes, limits, counts and logs nothing and survives no fault. What it costs, no gateway of this shape can be below.
import { once } from 'node:events'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import type { MessagePort } from 'node:worker_threads'
import { Server } from 'hyper-express'
import { Client } from 'undici'

interface BareOptions {
  port: number
  mockPort: number
}

interface BareJob {
  id: number
  path: string
  body: Uint8Array
}

interface BareAnswer {
  id: number
  body: Uint8Array
}

type Response = Parameters<Parameters<Server['uws_instance']['any']>[1]>[0]

async function runFront (options: BareOptions): Promise<void> {
  const worker = new Worker(new URL(import.meta.url), { workerData: options })
  const waiting = new Map<number, Response>()
  let lastId = 0
  worker.on('message', ({ id, body }: BareAnswer) => {
    const response = waiting.get(id)
    waiting.delete(id)
    response?.cork(() => {
      response.writeHeader('content-type', 'application/json')
      response.end(body)
    })
  })
  const server = new Server({ auto_close: false })
  await server.listen(options.port, '127.0.0.1')
  server.uws_instance.any('/*', (response, request) => {
    const id = ++lastId
    response.onAborted(() => { waiting.delete(id) })
    if (request.getMethod() === 'get') {
      response.end('ready')
      return
    }
    const path = request.getUrl()
    const parts: Buffer[] = []
    waiting.set(id, response)
    response.onData((memory, isLast) => {
      // The memory is the server's and goes away when this returns.
      parts.push(Buffer.from(memory.slice(0)))
      if (isLast) worker.postMessage({ id, path, body: parts.length === 1 ? parts[0] : Buffer.concat(parts) })
    })
  })
  await once(worker, 'exit')
}

function runWorker (port: MessagePort, { mockPort }: BareOptions): void {
  const idle: Client[] = []
  port.on('message', ({ id, path, body }: BareJob) => {
    const client = idle.pop() ?? new Client(`http://127.0.0.1:${mockPort}`, { pipelining: 1, headersTimeout: 0, bodyTimeout: 0 })
    const parts: Buffer[] = []
    client.dispatch({ path, method: 'POST', headers: ['authorization', 'Bearer x', 'content-type', 'application/json'], body }, {
      // undici takes a handler without it for one of its older kind.
      onRequestStart () {},
      onResponseData (_controller, chunk) { parts.push(chunk) },
      onResponseEnd () {
        idle.push(client)
        port.postMessage({ id, body: parts.length === 1 ? parts[0] : Buffer.concat(parts) })
      },
      onResponseError (_controller, error) { throw error }
    })
  })
}

if (isMainThread) await runFront(JSON.parse(process.argv[2] ?? '{}') as BareOptions)
else runWorker(parentPort as MessagePort, workerData as BareOptions)
