import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { startFaultUpstream } from '../helpers/fault-upstream.ts'
import { chatBody, startTestGateway, upstreamProvider } from '../helpers/gateway.ts'
import type { TestGateway } from '../helpers/gateway.ts'
import { RawClient } from '../helpers/http-client.ts'
import { wholeReply, withoutExtraFields } from '../helpers/sse.ts'
import { pause, within } from '../helpers/wait.ts'

/** Sizes of the answer's text around the limits between one write and several, and past what sockets buffer. In bytes. */
const sizes = [1_000, 64 * 1024 - 1_000, 64 * 1024, 1024 * 1024, 24 * 1024 * 1024]

async function start (t: TestContext, client: object = {}): Promise<{ gateway: TestGateway, connect: () => Promise<RawClient>, replyOf: (size: number) => string }> {
  const replyOf = (size: number): string => wholeReply.replace('"Hello"', `"${'0123456789abcdef'.repeat(size / 16)}"`)
  const upstream = await startFaultUpstream(t, (exchange) => { exchange.answer(200, replyOf(Number(exchange.json.model))) })
  const gateway = await startTestGateway(t, { client, providers: { up: upstreamProvider(upstream.url) } })
  const connect = async (): Promise<RawClient> => {
    const connection = await RawClient.connect(gateway.port)
    t.after(() => { connection.socket.destroy() })
    return connection
  }
  return { gateway, connect, replyOf }
}

test('answers of every size reach a client whole, whether it reads at once or late, over one connection', { timeout: 60_000 }, async (t) => {
  const { gateway, connect, replyOf } = await start(t)
  const client = await connect()
  for (const late of [false, true]) {
    for (const size of sizes) {
      const head = client.chat(chatBody(`up/${size}`))
      if (late) {
        client.socket.pause()
        await pause(100)
        client.socket.resume()
      }
      const response = await head
      assert.equal(await response.end(30_000), 'complete')
      assert.ok(withoutExtraFields(response.text) === replyOf(size), `${size} bytes, ${late ? 'late' : 'at once'}`)
    }
  }
  await gateway.whenIdle()
})

test('a client that reads nothing of a large answer is cut after slow_client_timeout_in_seconds', { timeout: 60_000 }, async (t) => {
  const { gateway, connect } = await start(t, { slow_client_timeout_in_seconds: 0.5 })
  const client = await connect()
  const response = await client.chat(chatBody(`up/${24 * 1024 * 1024}`))
  client.socket.pause()
  assert.equal(gateway.load().exchanges, 1)
  await gateway.whenIdle()
  client.socket.resume()
  await within(client.closed, 'the connection is cut')
  assert.equal(await response.end(), 'cut')
})

test('a client that leaves in the middle of a large answer leaves nothing behind', async (t) => {
  const { gateway, connect } = await start(t)
  const client = await connect()
  await client.chat(chatBody(`up/${24 * 1024 * 1024}`))
  client.socket.pause()
  client.socket.resetAndDestroy()
  await gateway.whenIdle()
})
