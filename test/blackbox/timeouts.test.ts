import assert from 'node:assert/strict'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { after, describe, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { startFaultUpstream } from '../helpers/fault-upstream.ts'
import type { Script } from '../helpers/fault-upstream.ts'
import { faults } from '../helpers/faults.ts'
import { chatBody, startTestGateway, upstreamProvider } from '../helpers/gateway.ts'
import { RawClient } from '../helpers/http-client.ts'
import type { ClientResponse } from '../helpers/http-client.ts'
import { contentEvent, inBandError, wholeReply } from '../helpers/sse.ts'
import { eventually, pause, within } from '../helpers/wait.ts'

const trickle: Script = async (exchange) => {
  exchange.openStream()
  for (let index = 0; !exchange.socket.destroyed && index < 200; index++) {
    await exchange.write(contentEvent(String(index)))
    await pause(20)
  }
}

const halfBody: Script = (exchange) => {
  exchange.head(200, { 'content-type': 'application/json' }, wholeReply.length)
  void exchange.write(wholeReply.slice(0, 30))
}

describe('a timeout', async () => {
  const blackhole = await startBlackhole()
  after(() => blackhole.close())
  const upstream = await startFaultUpstream({ after }, faults.silent())
  const provider = (network: object): object => upstreamProvider(upstream.url, { network })
  const gateway = await startTestGateway({ after }, {
    providers: {
      connect: upstreamProvider(`http://127.0.0.1:${blackhole.port}`, { network: { connect_timeout_in_seconds: 0.3 } }),
      header: provider({ response_header_timeout_in_seconds: 0.3 }),
      idle: provider({ stream_idle_timeout_in_seconds: 0.3 }),
      total: provider({ default_request_timeout_in_seconds: 1, response_header_timeout_in_seconds: 30 }),
      streamTotal: provider({ stream_total_timeout_in_seconds: 0.5 }),
      queue: upstreamProvider(upstream.url, { concurrency: 1, bufferSize: 1, network: { default_request_timeout_in_seconds: 1, response_header_timeout_in_seconds: 30, stream_total_timeout_in_seconds: 30 } })
    }
  })

  const ask = async (model: string, script: Script, stream: boolean): Promise<ClientResponse> => {
    upstream.script = script
    const client = await RawClient.connect(gateway.port)
    const response = await client.chat(chatBody(`${model}/m`, { stream }))
    assert.equal(await response.end(), 'complete')
    client.socket.destroy()
    return response
  }
  const counted = (provider: string, timeout: string): Promise<number> => gateway.metric('bifrost_timeouts_total', { provider, timeout })

  const cases: [provider: string, label: string, setting: string, seconds: number, script: Script, streams: boolean[]][] = [
    ['connect', 'connect', 'connect_timeout_in_seconds', 0.3, faults.silent(), [false, true]],
    ['header', 'response_header', 'response_header_timeout_in_seconds', 0.3, faults.silent(), [false, true]],
    ['idle', 'stream_idle', 'stream_idle_timeout_in_seconds', 0.3, faults.stall(': ping\n\n'), [true]],
    ['total', 'total', 'default_request_timeout_in_seconds', 1, halfBody, [false]],
    ['total', 'total', 'default_request_timeout_in_seconds', 1, faults.silent(), [false]]
  ]
  for (const [provider, label, setting, seconds, script, streams] of cases) {
    for (const stream of streams) {
      test(`of ${setting} is a 504 that names it and is counted (${stream ? 'streamed' : 'unary'})`, async () => {
        const before = await counted(provider, label)
        const startedAtMs = performance.now()
        const response = await ask(provider, script, stream)
        const tookMs = performance.now() - startedAtMs
        assert.equal(response.status, 504)
        assert.equal(response.json.error.type, 'request_timed_out')
        assert.ok(response.json.error.message.includes(`network_config.${setting} (${seconds} s)`), response.json.error.message)
        assert.equal(await counted(provider, label), before + 1)
        assert.ok(tookMs > seconds * 950 && tookMs < seconds * 1000 + 1_000, `took ${tookMs} ms`)
      })
    }
  }

  test('of stream_total_timeout_in_seconds ends a stream that never stops with an in-band error', async () => {
    const { status, text } = await ask('streamTotal', trickle, true)
    assert.equal(status, 200)
    assert.match(inBandError(text)?.message ?? '', /network_config\.stream_total_timeout_in_seconds \(0\.5 s\)/)
    assert.ok(!text.includes('[DONE]'))
    assert.equal(await counted('streamTotal', 'total'), 1)
  })

  test('does not come while a stream sends something now and then', async () => {
    upstream.script = async (exchange) => {
      exchange.openStream()
      for (let index = 0; index < 5; index++) {
        await exchange.write(contentEvent(String(index)))
        await pause(150)
      }
      await exchange.write('data: [DONE]\n\n')
      exchange.end()
    }
    const client = await RawClient.connect(gateway.port)
    const response = await client.chat(chatBody('idle/m', { stream: true }))
    await response.end()
    client.socket.destroy()
    assert.equal(inBandError(response.text), null)
  })

  test('comes to a request that waits in the queue, naming the queue', async (t) => {
    upstream.script = faults.stall(contentEvent('a'))
    const holder = await RawClient.connect(gateway.port)
    t.after(() => { holder.socket.destroy() })
    await (await holder.chat(chatBody('queue/m', { stream: true }))).until('"content":"a"')
    const before = upstream.requestCount
    const response = await ask('queue', faults.silent(), false)
    assert.equal(response.status, 504)
    assert.match(response.json.error.message, /waited in the queue of queue .*default_request_timeout_in_seconds \(1 s\)/)
    assert.equal(upstream.requestCount, before)
  })

  test('closes the upstream connection and leaves nothing open', async () => {
    await gateway.whenIdle()
    // The gateway has closed its end; the upstream hears of it a moment later.
    await eventually(() => upstream.inFlight === 0, 'the upstream sees its connections closed')
    assert.equal(await gateway.metric('bifrost_in_flight'), 0)
  })
})

/**
 * A listener to which nobody can connect: its thread sleeps and accepts nothing, and its backlog is
 * full, so the kernel drops what comes.
 */
async function startBlackhole (): Promise<{ port: number, close: () => Promise<void> }> {
  const worker = new Worker(`
    const { createServer } = require('node:net')
    const { parentPort } = require('node:worker_threads')
    const server = createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
      parentPort.postMessage(server.address().port)
      setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0))
    })`, { eval: true })
  const port = await within(new Promise<number>((resolve) => { worker.once('message', resolve) }), 'the blackhole listens')
  const fillers: Socket[] = []
  // Until one is not connected any more: then the backlog is full.
  for (let full = false; !full;) {
    const socket = connect(port, '127.0.0.1')
    fillers.push(socket)
    full = await Promise.race([new Promise<false>((resolve) => { socket.once('connect', () => { resolve(false) }) }), pause(100).then(() => true)])
  }
  return {
    port,
    close: async () => {
      for (const socket of fillers) socket.destroy()
      await worker.terminate()
    }
  }
}
