import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { createServer as createTlsServer } from 'node:tls'
import type { TLSSocket } from 'node:tls'
import { Client } from 'undici'
import { createConnector, resetCode } from '../../src/upstream/connector.ts'
import { startProxy } from '../helpers/proxy.ts'
import { createRandom } from '../helpers/random.ts'
import { cert, key } from '../helpers/tls-fixture.ts'
import { createSignal, eventually, within } from '../helpers/wait.ts'

type Protocol = 'http' | 'https'
/** How the connection is made. */
interface Way {
  protocol: Protocol
  /** Of the proxy in between. */
  proxy: Protocol | null
}

const ways: Record<string, Way> = {
  http: { protocol: 'http', proxy: null },
  https: { protocol: 'https', proxy: null },
  'http through a proxy': { protocol: 'http', proxy: 'http' },
  'https through a proxy': { protocol: 'https', proxy: 'http' },
  'https through an https proxy': { protocol: 'https', proxy: 'https' }
}

/** A server on raw sockets, and a client as the gateway's upstream makes it. */
async function start (t: TestContext, { protocol, proxy }: Way, onSocket: (socket: Socket, connection: Socket) => void): Promise<Client> {
  const sockets = new Set<Socket>()
  let connection: Socket
  const accept = (socket: Socket): void => {
    sockets.add(socket)
    socket.on('error', () => {})
    onSocket(socket, connection)
  }
  const server: Server = protocol === 'http' ? createServer(accept) : createTlsServer({ cert, key }, accept)
  // Below TLS, where there is any.
  server.prependListener('connection', (socket: Socket) => { connection = socket })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const between = proxy === null ? null : await startProxy(t, proxy === 'https' ? { tls: { cert, key } } : {})
  const connect = createConnector({ ca: cert, timeout: 10_000 }, between === null ? null : { url: between.url, username: '', password: '', caCertPem: cert })
  const client = new Client(`${protocol}://localhost:${(server.address() as AddressInfo).port}`, { connect, pipelining: 1, headersTimeout: 0, bodyTimeout: 0 })
  t.after(async () => {
    await client.destroy()
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return client
}

interface Answer {
  body: Buffer
  /** How often the reader was paused. */
  pauses: number
}

/** @param pauseEvery after so many chunks the reader stands still for a turn */
function ask (client: Client, body: Uint8Array, pauseEvery = Infinity): Promise<Answer> {
  return within(new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let pauses = 0
    client.dispatch({ path: '/', method: 'POST', body, headers: ['content-type', 'application/octet-stream'] }, {
      onRequestStart () {},
      onResponseData (controller, chunk) {
        // undici hands over nothing at all, once, when it goes on.
        if (chunk.length === 0) return
        chunks.push(chunk)
        if (chunks.length % pauseEvery !== 0) return
        pauses++
        controller.pause()
        setImmediate(() => { controller.resume() })
      },
      onResponseEnd () { resolve({ body: Buffer.concat(chunks), pauses }) },
      onResponseError (_controller, error) { reject(error) }
    })
  }), 'the answer')
}

/** Bytes of one request with a body, head included. */
function onRequest (socket: Socket, answer: (head: string, body: Buffer) => void): void {
  let all = Buffer.alloc(0)
  socket.on('data', (chunk) => {
    all = Buffer.concat([all, chunk as Buffer])
    const end = all.indexOf('\r\n\r\n')
    const bytes = Number(/content-length: (\d+)/i.exec(all.toString('latin1', 0, end))?.[1])
    if (end < 0 || all.length < end + 4 + bytes) return
    const [head, body] = [all.toString('latin1', 0, end), all.subarray(end + 4)]
    all = Buffer.alloc(0)
    answer(head, body)
  })
}

const hash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const sized = (body: Uint8Array): Buffer => Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n`), body])

function randomBytes (bytes: number, seed: number): Buffer {
  const random = createRandom(seed)
  return Buffer.from(Array.from({ length: bytes }, () => Math.floor(random() * 256)))
}

for (const [name, way] of Object.entries(ways)) {
  test(`${name}: what comes while the reader is paused is neither lost nor out of order`, async (t) => {
    const whole = randomBytes(3_000_000, 1)
    const client = await start(t, way, (socket) => {
      onRequest(socket, () => {
        const bytes = sized(whole)
        // Pieces of every length up to some segments, with a turn in between now and then.
        let at = 0
        let length = 1
        const more = (): void => {
          for (let pieces = 0; pieces < 20 && at < bytes.length; pieces++) {
            socket.write(bytes.subarray(at, at + length))
            at += length
            length = length * 7 % 40_009
          }
          if (at < bytes.length) setImmediate(more)
        }
        more()
      })
    })
    for (const pauseEvery of [1, 3, Infinity]) {
      const { body, pauses } = await ask(client, Buffer.from('?'), pauseEvery)
      assert.equal(hash(body), hash(whole))
      assert.ok(pauseEvery === Infinity ? pauses === 0 : pauses > 0, `${pauses} pauses`)
    }
  })

  test(`${name}: a reader that is paused holds its server back`, async (t) => {
    const bodyBytes = 64 * 1024 * 1024
    const piece = Buffer.alloc(256 * 1024, 'x')
    let server: Socket | null = null
    let handedOver = 0
    const client = await start(t, way, (socket) => {
      server = socket
      onRequest(socket, () => {
        socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${bodyBytes}\r\n\r\n`)
        const more = (): void => {
          while (handedOver < bodyBytes) {
            handedOver += piece.length
            if (!socket.write(piece)) return
          }
        }
        socket.on('drain', more)
        more()
      })
    })
    const [paused, ended] = [createSignal<() => void>(), createSignal<number>()]
    let received = 0
    client.dispatch({ path: '/', method: 'POST', body: Buffer.from('?') }, {
      onRequestStart () {},
      onResponseData (controller, chunk) {
        if (received === 0) {
          controller.pause()
          paused.resolve(() => { controller.resume() })
        }
        received += chunk.length
      },
      onResponseEnd () { ended.resolve(received) },
      onResponseError (_controller, error) { throw error }
    })
    const resume = await within(paused.promise, 'the first chunk')
    // The server has stopped when its writes wait and nothing has moved between two looks.
    let before = -1
    await eventually(() => {
      const now = (server as Socket).bytesWritten - (server as Socket).writableLength
      const still = now === before && (server as Socket).writableNeedDrain
      before = now
      return still
    }, 'the server waits')
    // Loopback sockets hold up to 6 MB on each side by Linux' defaults.
    assert.ok(handedOver < bodyBytes / 2, `the server got rid of ${handedOver} bytes`)
    assert.ok(received <= 64 * 1024, `${received} bytes came through a paused reader`)
    resume()
    assert.equal(await within(ended.promise, 'the end'), bodyBytes)
  })

  test(`${name}: requests of every size arrive as they were sent`, async (t) => {
    const received: { head: string, body: Buffer }[] = []
    const client = await start(t, way, (socket) => {
      onRequest(socket, (head, body) => {
        received.push({ head, body })
        socket.write(sized(Buffer.from('ok')))
      })
    })
    for (const bytes of [1, 200, 65_000, 65_536, 65_537, 1_500_000]) {
      const body = randomBytes(bytes, bytes)
      await ask(client, body)
      const { head, body: got } = received.pop() as (typeof received)[0]
      assert.equal(head.split('\r\n')[0], 'POST / HTTP/1.1')
      assert.equal(hash(got), hash(body), `${bytes} bytes`)
    }
  })

  test(`${name}: an answer whose end is the connection's is whole`, async (t) => {
    const whole = randomBytes(200_000, 2)
    const client = await start(t, way, (socket) => {
      onRequest(socket, () => { socket.end(Buffer.concat([Buffer.from('HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n'), whole])) })
    })
    for (const pauseEvery of [1, Infinity]) assert.equal(hash((await ask(client, Buffer.from('?'), pauseEvery)).body), hash(whole))
  })

  for (const state of ['paused', 'reading'] as const) {
    test(`${name}: a reset is no end of an answer without a length; the reader is ${state}`, async (t) => {
      let server: Socket | null = null
      const client = await start(t, way, (socket, connection) => {
        server = connection
        onRequest(socket, () => { socket.write('HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nbeginning') })
      })
      const outcome = createSignal<string | undefined>()
      client.dispatch({ path: '/', method: 'POST', body: Buffer.from('?') }, {
        onRequestStart () {},
        onResponseData (controller) {
          if (state === 'paused') controller.pause()
          ;(server as Socket).resetAndDestroy()
        },
        onResponseEnd () { outcome.resolve('end') },
        onResponseError (_controller, error) { outcome.resolve((error as { code?: string }).code) }
      })
      assert.equal(await within(outcome.promise, 'an outcome'), resetCode)
    })
  }

  test(`${name}: what a server says unasked is no answer to the next request`, async (t) => {
    let connections = 0
    const client = await start(t, way, (socket) => {
      const text = ++connections === 1 ? 'first' : 'asked'
      onRequest(socket, () => {
        socket.write(sized(Buffer.from(text)))
        if (connections === 1) setImmediate(() => { socket.write(sized(Buffer.from('smuggled'))) })
      })
    })
    const gone = once(client, 'disconnect')
    assert.equal((await ask(client, Buffer.from('?'))).body.toString(), 'first')
    await within(gone, 'the connection is closed')
    assert.equal((await ask(client, Buffer.from('?'))).body.toString(), 'asked')
    assert.equal(connections, 2)
  })
}

test('a new connection resumes the TLS session of the one before', async (t) => {
  const resumed: boolean[] = []
  const client = await start(t, ways['https'] as Way, (socket) => {
    resumed.push((socket as TLSSocket).isSessionReused())
    onRequest(socket, () => { socket.end(Buffer.concat([Buffer.from('HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n')])) })
  })
  for (let turn = 0; turn < 3; turn++) await ask(client, Buffer.from('?'))
  assert.deepEqual(resumed, [false, true, true])
})
