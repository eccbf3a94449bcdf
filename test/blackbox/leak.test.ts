import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { startFaultUpstream } from '../helpers/fault-upstream.ts'
import { faults, ok } from '../helpers/faults.ts'
import { chatBody } from '../helpers/gateway.ts'
import { RawClient } from '../helpers/http-client.ts'
import { contentEvent } from '../helpers/sse.ts'
import { eventually, within } from '../helpers/wait.ts'
import type { Figures } from './leak-gateway.ts'

const clientsTotal = 32
/**
 * Growth that is allowed from the warm-up to the end, in bytes. 42,000 or 20,000 requests lie between: 2 MiB is
 * 50 or 100 bytes per request, less than the smallest object that a request could leave behind with a reference to it.
 */
const heapGrowthMax = 2 * 1024 * 1024
/** Allocator caches and the worker's heap, which no collection is forced on, move this much by themselves. */
const rssGrowthMax = 64 * 1024 * 1024

type Kind = 'unary' | 'stream' | 'leave-early' | 'leave-mid-stream' | 'sick'
/** Ten requests in turn, three of which are left by their clients. */
const plainKinds: readonly Kind[] = ['unary', 'stream', 'leave-early', 'unary', 'unary', 'leave-mid-stream', 'stream', 'unary', 'leave-early', 'unary']
/** Two of them fail at first. */
const busyKinds: readonly Kind[] = ['unary', 'stream', 'leave-early', 'sick', 'unary', 'leave-mid-stream', 'stream', 'sick', 'leave-early', 'unary']
const bodies: Readonly<Record<Kind, string>> = {
  unary: chatBody('up/ok'),
  stream: chatBody('up/ok', { stream: true }),
  'leave-early': chatBody('up/held'),
  'leave-mid-stream': chatBody('up/held', { stream: true }),
  sick: chatBody('up/sick')
}

interface Variant { mode: 'plain' | 'busy', requestsTotal: number, warmUpRequests: number, kinds: readonly Kind[], what: string }

const variants: Variant[] = [
  { mode: 'plain', requestsTotal: 50_000, warmUpRequests: 8_000, kinds: plainKinds, what: '50,000 requests, 30 % of them left by their clients' },
  { mode: 'busy', requestsTotal: 26_000, warmUpRequests: 6_000, kinds: busyKinds, what: '26,000 requests with retries, fallbacks, hedges and a reload every 100 ms' }
]

for (const { mode, requestsTotal, warmUpRequests, kinds, what } of variants) {
  test(`${what}, leave no memory, handle or connection behind`, { timeout: 150_000 }, async (t) => {
    const upstream = await startFaultUpstream(t, (exchange) => {
      if (exchange.json.model === 'ok') return ok(exchange)
      if (exchange.json.model === 'sick') return faults.status(503)(exchange)
      if (exchange.json.stream !== true) return
      exchange.openStream()
      void exchange.write(contentEvent('first'))
    })
    const child = fork(new URL('./leak-gateway.js', import.meta.url), [upstream.url, mode], { execArgv: ['--expose-gc'] })
    t.after(() => { child.kill('SIGKILL') })
    const [port] = await within(once(child, 'message') as Promise<[number]>, 'the gateway starts')

    await run(port, warmUpRequests, kinds)
    const before = await measure(child)
    const startedAtMs = performance.now()
    await run(port, requestsTotal - warmUpRequests, kinds)
    const seconds = (performance.now() - startedAtMs) / 1000
    const after = await measure(child)

    const mib = (bytes: number): string => (bytes / 1024 / 1024).toFixed(1)
    t.diagnostic(`${Math.round((requestsTotal - warmUpRequests) / seconds)} requests/s; heap ${mib(before.heapBytes)} -> ${mib(after.heapBytes)} MiB, array buffers ${mib(before.arrayBufferBytes)} -> ${mib(after.arrayBufferBytes)} MiB, RSS ${mib(before.rssBytes)} -> ${mib(after.rssBytes)} MiB, handles ${before.handles} -> ${after.handles}, file descriptors ${before.fileDescriptors} -> ${after.fileDescriptors}, ${after.reloads} reloads`)
    assert.ok(after.heapBytes - before.heapBytes < heapGrowthMax, `heap grew by ${mib(after.heapBytes - before.heapBytes)} MiB`)
    assert.ok(after.arrayBufferBytes - before.arrayBufferBytes < heapGrowthMax, `array buffers grew by ${mib(after.arrayBufferBytes - before.arrayBufferBytes)} MiB`)
    assert.ok(after.rssBytes - before.rssBytes < rssGrowthMax, `RSS grew by ${mib(after.rssBytes - before.rssBytes)} MiB`)
    assert.ok(after.handles <= before.handles + 2, `${before.handles} handles became ${after.handles}`)
    assert.equal(after.threads, before.threads)
    // Idle connections to the upstream may differ, by as many as run at a time: two for a request with a hedge.
    assert.ok(after.fileDescriptors <= before.fileDescriptors + (mode === 'plain' ? 1 : 2) * clientsTotal, `${before.fileDescriptors} file descriptors became ${after.fileDescriptors}`)
    assert.deepEqual(after.load, { exchanges: 0, jobs: 0 })

    assert.ok(mode === 'plain' || after.reloads > before.reloads)
    const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
    assert.match(metrics, /^bifrost_in_flight\{provider="up"\} 0$/m)
    assert.ok(!/^bifrost_thread_restarts_total\{[^}]*\} [1-9]/m.test(metrics), 'no worker thread ran out of memory')
    await eventually(() => upstream.inFlight === 0, 'no upstream connection is in use')
    child.send('close')
    await within(once(child, 'exit'), 'the gateway process ends by itself')
  })
}

async function measure (child: ChildProcess): Promise<Figures> {
  const reply = once(child, 'message') as Promise<[Figures]>
  child.send('measure')
  return (await within(reply, 'the figures come', 20_000))[0]
}

/** Sends this many requests over `clientsTotal` connections; a connection that was left is replaced. */
async function run (port: number, requests: number, kinds: readonly Kind[]): Promise<void> {
  let started = 0
  const client = async (): Promise<void> => {
    let connection = await RawClient.connect(port)
    while (started < requests) {
      const kind = kinds[started++ % kinds.length] as Kind
      const head = connection.chat(bodies[kind])
      if (kind === 'leave-early') {
        head.catch(() => {})
        // Some leave with the request still on its way, some when it waits for its answer.
        if (started % 3 > 0) await new Promise((resolve) => { setTimeout(resolve, started % 3) })
        connection.socket.resetAndDestroy()
        connection = await RawClient.connect(port)
        continue
      }
      const response = await head
      if (response.status !== 200) throw new Error(`status ${response.status}`)
      if (kind === 'leave-mid-stream') {
        connection.socket.resetAndDestroy()
        connection = await RawClient.connect(port)
      } else if (await response.ended.promise !== 'complete') {
        throw new Error('an answer was cut')
      }
    }
    connection.socket.destroy()
  }
  await Promise.all(Array.from({ length: clientsTotal }, client))
}
