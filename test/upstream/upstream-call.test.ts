import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { test } from 'node:test'
import type { Dispatcher } from 'undici'
import type { GatewayError } from '../../src/errors.ts'
import { toOutcome } from '../../src/router/outcomes.ts'
import { Upstream, UpstreamCall } from '../../src/upstream/upstream.ts'
import { createSignal, within } from '../helpers/wait.ts'
import { createProvider } from '../router/settings.ts'

type Connections = ConstructorParameters<typeof UpstreamCall>[0]

/** What a call makes of a connection that cannot be opened for this reason. */
function failConnecting (code: string): GatewayError {
  const dispatcher = {
    dispatch (_options: unknown, handler: UpstreamCall): void {
      handler.onResponseError({} as Dispatcher.DispatchController, Object.assign(new Error(`connect ${code}`), { code }))
    }
  }
  const connections = { take: () => dispatcher, giveBack () {}, discard () {} } as unknown as Connections
  const errors: GatewayError[] = []
  const unexpected = (): void => { assert.fail('nothing was sent') }
  const call = new UpstreamCall(connections, { onStart: unexpected, onHead: unexpected, onData: unexpected, onEnd: unexpected, onError: (error) => { errors.push(error) } }, 'up', 'http://127.0.0.1:1')
  call.dispatch({ origin: 'http://127.0.0.1:1', path: '/', headers: [], body: Buffer.alloc(0) }, false)
  assert.equal(errors.length, 1)
  return errors[0] as GatewayError
}

for (const code of ['EMFILE', 'ENFILE']) {
  test(`a connection that our own file descriptors do not suffice for (${code}) is 503 request_dropped, and no failure of the provider`, () => {
    const error = failConnecting(code)
    assert.equal(error.code, 'BIFROST_REQUEST_DROPPED')
    assert.equal(error.status, 503)
    assert.equal(error.message, `request dropped: no file descriptor is free for a connection to up (${code})`)
    assert.equal(toOutcome(error), 'unavailable')
  })
}

test('a connection that the provider refuses is 502 upstream_connect_error', () => {
  const error = failConnecting('ECONNREFUSED')
  assert.equal(error.code, 'BIFROST_UPSTREAM_CONNECT')
  assert.equal(error.message, 'Could not connect to up at http://127.0.0.1:1: ECONNREFUSED.')
})

test('a provider that resets a stream without a length, whose reader is paused, is 502 upstream_reset and costs nobody else anything', async (t) => {
  let connection: Socket | null = null
  const server = createServer((socket) => {
    connection = socket
    socket.on('error', () => {})
    socket.once('data', () => { socket.write('HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nbeginning') })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const upstream = new Upstream(createProvider('up'))
  t.after(async () => {
    await upstream.destroy()
    server.close()
  })
  const outcome = createSignal<GatewayError | null>()
  const call = upstream.send({ origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, path: '/', headers: [], body: Buffer.from('{}') }, {
    onStart () {},
    onHead () {},
    onData () {
      call.pause()
      ;(connection as Socket).resetAndDestroy()
    },
    onEnd () { outcome.resolve(null) },
    onError (error) { outcome.resolve(error) }
  })
  const error = await within(outcome.promise, 'an outcome')
  assert.equal(error?.code, 'BIFROST_UPSTREAM_RESET')
  assert.equal(error.message, 'up closed the connection before the answer was complete: ECONNRESET.')
})

test('that something has come is said before any of it is read', async (t) => {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => { socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}') })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const events: string[] = []
  const upstream = new Upstream(createProvider('up'), () => { events.push('arrival') })
  t.after(async () => {
    await upstream.destroy()
    server.close()
  })
  const ended = createSignal()
  upstream.send({ origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, path: '/', headers: [], body: Buffer.from('{}') }, {
    onStart () { events.push('start') },
    onHead () { events.push('head') },
    onData () { events.push('data') },
    onEnd () { ended.resolve() },
    onError (error) { throw error }
  })
  await within(ended.promise, 'the answer')
  assert.deepEqual(events, ['start', 'arrival', 'head', 'data'])
})
