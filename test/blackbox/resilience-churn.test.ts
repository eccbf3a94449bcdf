import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { createLogger } from '../../src/log.ts'
import type { Logger } from '../../src/log.ts'
import { drawFaultKind, faultKinds, faultsByModel } from '../helpers/fault-draw.ts'
import type { Damage, FaultKind } from '../helpers/fault-draw.ts'
import { startFaultUpstream } from '../helpers/fault-upstream.ts'
import { refusedPort } from '../helpers/faults.ts'
import { startTestGateway, upstreamProvider } from '../helpers/gateway.ts'
import { RawClient } from '../helpers/http-client.ts'
import type { ClientResponse } from '../helpers/http-client.ts'
import { Ledger } from '../helpers/ledger.ts'
import type { ClientEnding } from '../helpers/ledger.ts'
import { createRandom } from '../helpers/random.ts'
import { doneEvent, inBandError } from '../helpers/sse.ts'
import { eventually } from '../helpers/wait.ts'

const requestsTotal = Number(process.env['CHURN_REQUESTS'] ?? 1_200)
const clientsTotal = 48
const seed = Number(process.env['CHURN_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
const gauges = ['bifrost_in_flight', 'bifrost_thread_in_flight', 'bifrost_queue_depth', 'bifrost_queue_blocked', 'bifrost_active_requests', 'bifrost_ring_used_bytes']

/** First target and fallback, each with a fault of its own; the breaker of a good model never opens, so it answers whatever the other did. */
interface Plan { model: string, fallbacks: string[], stream: boolean, leavesAfterMs: number | null, endings: readonly ClientEnding[] }

/** A key that was told to rest does so for all requests of its provider; a provider of their own keeps it from the others. */
const target = (provider: string, kind: FaultKind): string => `${kind === '429-retry-after' ? 'resting' : provider}/${kind}`

function drawPlan (random: () => number): Plan {
  const [one, other] = [drawFaultKind(random), random() < 0.5 ? 'ok' as FaultKind : drawFaultKind(random)]
  const refused = random() < 0.1
  const stream = random() < 0.5
  const leavesAfterMs = random() < 0.15 ? Math.floor(random() * 80) : null
  const damages: Damage[] = [refused ? 'clean' : faultKinds[one].damage, faultKinds[other].damage]
  const endings: ClientEnding[] = ['ok']
  if (!damages.includes('good')) endings.push('refused')
  if (stream && damages.includes('torn')) endings.push('broken')
  return { model: refused ? 'refused/m' : target('one', one), fallbacks: [target('two', other)], stream, leavesAfterMs, endings }
}

function endingOf (response: ClientResponse, stream: boolean): ClientEnding {
  if (response.status !== 200) {
    assert.ok(response.json.error.message.length > 0)
    return 'refused'
  }
  if (!stream) {
    assert.ok(response.json.choices !== undefined)
    return 'ok'
  }
  const dones = response.text.split(doneEvent).length - 1
  const isBroken = inBandError(response.text) !== null
  assert.equal(dones, isBroken ? 0 : 1, 'an end mark or an error, and one of them')
  return isBroken ? 'broken' : 'ok'
}

function startLog (t: TestContext): { logger: Logger, read: () => Promise<string> } {
  const folder = mkdtempSync(join(tmpdir(), 'bifrost-churn-'))
  t.after(() => { rmSync(folder, { recursive: true }) })
  const logger = createLogger({ level: 'info', destination: join(folder, 'log') })
  return {
    logger,
    read: async () => {
      await new Promise<void>((resolve) => { logger.flush(() => { resolve() }) })
      return readFileSync(join(folder, 'log'), 'utf8')
    }
  }
}

interface Variant {
  name: string
  hedging: object
  /** Requests between two reloads; Infinity for none. */
  reloadEvery: number
  /** One retry on each of two targets, and what hedges add. */
  attemptsMax: number
}

const variants: Variant[] = [
  { name: 'with retries and fallbacks', hedging: {}, reloadEvery: Infinity, attemptsMax: 4 },
  { name: 'with hedges and a reload after every 50 requests', hedging: { enabled: true, minimum_requests: 10, delay_min_in_seconds: 0.01, budget_percent: 100 }, reloadEvery: 50, attemptsMax: 8 }
]

for (const { name, hedging, reloadEvery, attemptsMax } of variants) {
  test(`${name} every request settles once and gets its own answer (seed ${seed})`, { timeout: 120_000 }, async (t) => {
    t.diagnostic(`seed ${seed}; repeat with CHURN_SEED=${seed}`)
    const random = createRandom(seed)
    const ledger = new Ledger()
    const [one, two] = await Promise.all(['one', 'two'].map((name) => startFaultUpstream(t, ledger.watch(name, faultsByModel(random)))))
    assert.ok(one !== undefined && two !== undefined)
    const { logger, read } = startLog(t)
    // Long enough that a good answer is never late, also on a machine that has more to do than this.
    const network = { max_retries: 1, retry_backoff_initial: 5, retry_backoff_max: 50, stream_idle_timeout_in_seconds: 1.5, response_header_timeout_in_seconds: 1.5 }
    const refusedUrl = `http://127.0.0.1:${await refusedPort()}`
    /** A file for every round: limits, threads and ring change, and a provider that nobody asks comes and goes. */
    const providers = (round: number): Record<string, object> => {
      const provider = (url: string): object => ({ ...upstreamProvider(url, { concurrency: 32 - round % 3, bufferSize: 64, threads: 1 + (round >> 3) % 2, network }), ring_bytes: 1 << (20 - (round >> 2) % 2), hedging })
      const extra: Record<string, object> = round % 2 === 0 ? {} : { extra: provider(one.url) }
      return { one: provider(one.url), two: provider(two.url), resting: provider(two.url), refused: provider(refusedUrl), ...extra }
    }
    const gateway = await startTestGateway(t, { server: { watch_config: false }, providers: providers(0) }, logger)
    let reloads = 0
    const reload = (): void => {
      writeFileSync(gateway.configPath, JSON.stringify({ server: { port: 0, watch_config: false }, providers: providers(++reloads) }))
      assert.ok(gateway.reload('churn').ok)
    }

    const ask = async (client: RawClient, mark: string, plan: Plan): Promise<void> => {
      const { model, fallbacks, stream, leavesAfterMs } = plan
      const body = JSON.stringify({ model, fallbacks, stream, messages: [{ role: 'user', content: mark }] })
      const head = client.chat(body, { 'x-request-id': mark, 'x-bf-attempt-trail': 'true' })
      if (leavesAfterMs !== null) {
        setTimeout(() => { client.socket.resetAndDestroy() }, leavesAfterMs)
        const response = await Promise.race([client.closed, head.catch(() => {})])
        await client.closed
        return ledger.settle(mark, { ending: 'left', status: 0, servedBy: '', text: response?.text ?? '' })
      }
      const response = await head
      assert.equal(await response.end(60_000), 'complete')
      const ending = endingOf(response, stream)
      const context = `${model}, then ${fallbacks.join()} ${stream ? 'streamed' : 'unary'} ended as ${ending} ${response.status} ${response.text.slice(0, 1_000)}`
      assert.ok(plan.endings.includes(ending), context)
      ledger.settle(mark, { ending, status: response.status, servedBy: response.headers['x-bifrost-provider'] ?? '', text: JSON.stringify(response.headers) + response.text })
    }

    let started = 0
    const loop = async (): Promise<void> => {
      let client = await RawClient.connect(gateway.port)
      while (started++ < requestsTotal) {
        const plan = drawPlan(random)
        if (started % reloadEvery === 0) reload()
        await ask(client, ledger.issue(), plan)
        if (plan.leavesAfterMs !== null) client = await RawClient.connect(gateway.port)
      }
      client.socket.destroy()
    }
    await Promise.all(Array.from({ length: clientsTotal }, loop))

    await gateway.whenIdle()
    assert.deepEqual(gateway.load(), { exchanges: 0, jobs: 0 })
    for (const gauge of gauges) assert.equal(await gateway.metric(gauge), 0, gauge)
    await eventually(() => one.inFlight + two.inFlight === 0, 'no upstream connection is in use')
    ledger.readLog(await read())
    ledger.check({ attemptsMax })
    const totals = ledger.totals()
    t.diagnostic(`${JSON.stringify(totals)}, ${reloads} reloads, hedges: ${await gateway.metric('bifrost_hedges_total')}`)
    assert.equal(reloads, reloadEvery === Infinity ? 0 : Math.floor(requestsTotal / reloadEvery))
    assert.equal(await gateway.metric('bifrost_thread_restarts_total'), 0)
    assert.equal(totals.ok + totals.refused + totals.broken + totals.left, requestsTotal)
    assert.ok(totals.ok > totals.refused && totals.refused > 0 && totals.broken > 0 && totals.left > 0)
  })
}
