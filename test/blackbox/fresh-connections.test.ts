import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { after, test } from 'node:test'
import { askChat } from '../helpers/ask.ts'
import { startFaultUpstream } from '../helpers/fault-upstream.ts'
import { ok } from '../helpers/faults.ts'
import { startTestGateway, upstreamProvider } from '../helpers/gateway.ts'

const idleCount = 4

/** A promise and the function that resolves it. */
function createSignal (): { fired: Promise<void>, fire: () => void } {
  let fire = (): void => {}
  const fired = new Promise<void>((resolve) => { fire = resolve })
  return { fired, fire }
}

test('one retry is enough however many idle connections have died, and their number does not grow', async () => {
  const used = new Set<Socket>()
  const filled = createSignal()
  const resumed = createSignal()
  const reset = createSignal()
  const upstream = await startFaultUpstream({ after }, async (exchange) => {
    if (used.has(exchange.socket)) {
      exchange.reset()
      return reset.fire()
    }
    used.add(exchange.socket)
    // All at once, so that each request of the first round has a connection of its own.
    if (used.size === idleCount) filled.fire()
    await filled.fired
    if (exchange.json.model === 'slow') await resumed.fired
    await ok(exchange)
  })
  const gateway = await startTestGateway({ after }, {
    providers: { up: { ...upstreamProvider(upstream.url, { network: { max_retries: 1, retry_backoff_initial: 300, retry_backoff_max: 300, retry_budget_percent: 100 } }), threads: 1, circuit_breaker: { enabled: false } } }
  })
  await Promise.all(Array.from({ length: idleCount }, () => askChat(gateway.port, 'up/m')))
  assert.equal(upstream.openSockets, idleCount)
  const retried = askChat(gateway.port, 'up/retried')
  await reset.fired
  // Takes the place of the connection that broke before the retry comes, and may lose another one itself.
  const slow = askChat(gateway.port, 'up/slow')
  assert.equal((await retried).status, 200)
  resumed.fire()
  assert.equal((await slow).status, 200)
  assert.equal(upstream.requests.filter(({ body }) => body.includes('"retried"')).length, 2)
  assert.ok(upstream.openSockets <= idleCount, `${upstream.openSockets} connections`)
})
