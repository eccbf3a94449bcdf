import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { connectionsMaxOf } from '../../src/transport/descriptor-limit.ts'
import type { Transport } from '../../src/transport/server.ts'
import { startTestGateway } from '../helpers/gateway.ts'
import { RawClient } from '../helpers/http-client.ts'
import { eventually, within } from '../helpers/wait.ts'
import { createProvider } from '../router/settings.ts'
import { startTransport } from './start-transport.ts'

const limit = 10

async function start (t: TestContext): Promise<{ transport: Transport, connect: () => Promise<RawClient>, full: number[] }> {
  const full: number[] = []
  const { transport, port } = await startTransport(t, {
    connectionsMax: limit,
    onConnectionsFull: (connectionsMax: number) => { full.push(connectionsMax) },
    pages: { '/health': () => ({ status: 200, contentType: 'text/plain', body: 'ok' }) }
  })
  const connect = async (): Promise<RawClient> => {
    const client = await RawClient.connect(port)
    t.after(() => { client.socket.destroy() })
    return client
  }
  return { transport, connect, full }
}

const statusOf = async (client: RawClient): Promise<number> => (await client.request('GET', '/health')).status

test('connections over the limit are closed at once, the others are served, and new ones are taken when some have left', async (t) => {
  const { transport, connect, full } = await start(t)
  const clients = []
  for (let count = 0; count < limit; count++) clients.push(await connect())
  for (let round = 1; round <= 2; round++) {
    const refused = [await connect(), await connect(), await connect()]
    for (const client of refused) await within(client.closed, 'the connection is closed')
    await eventually(() => transport.connections.open === limit, 'the closed ones do not count')
    assert.equal(transport.connections.refused, 3 * round)
    for (const client of clients) assert.equal(await statusOf(client), 200)
    assert.deepEqual(full, Array.from({ length: round }, () => limit), 'told once, until there was room again')
    for (const client of clients.splice(0, 2)) client.socket.destroy()
    await eventually(() => transport.connections.open === limit - 2, 'two have left')
    for (let count = 0; count < 2; count++) clients.push(await connect())
    assert.equal(await statusOf(clients.at(-1) as RawClient), 200)
  }
})

test('clients get what the connections to providers leave, and half of all descriptors at least', () => {
  const provider = (name: string, concurrency: number, more: object = {}): ReturnType<typeof createProvider> => createProvider(name, { concurrency, connectionsPerOrigin: 1_000, ...more })
  const providers = [provider('a', 1_000), provider('b', 5_000), provider('c', 50), provider('down', 1_000, { unavailableReason: 'no key' }), provider('mock', 1_000, { kind: 'mock' })]
  assert.equal(connectionsMaxOf(100_000, providers), 100_000 - 64 - 2_050)
  assert.equal(connectionsMaxOf(1_024, providers), 512)
  assert.equal(connectionsMaxOf(Infinity, providers), Infinity)
  assert.equal(connectionsMaxOf(1_024, []), 960)
})

test('open connections are a metric', async (t) => {
  const gateway = await startTestGateway(t, { providers: { mock: {} } })
  const clients = [await RawClient.connect(gateway.port), await RawClient.connect(gateway.port)]
  t.after(() => { for (const { socket } of clients) socket.destroy() })
  const [first, second] = clients as [RawClient, RawClient]
  const read = async (): Promise<string | undefined> => {
    const response = await first.request('GET', '/metrics')
    await response.end()
    return /^bifrost_client_connections (\d+)$/m.exec(response.text)?.[1]
  }
  assert.equal(await read(), '2')
  second.socket.destroy()
  await eventually(async () => await read() === '1', 'one has left')
})
