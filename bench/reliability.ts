// `npm run bench:reliability`: what clients notice when threads die, a provider goes down, or the gateway is told to stop.
import { Agent, request as httpRequest } from 'node:http'
import { parseArgs } from 'node:util'
import { setTimeout as delay } from 'node:timers/promises'
import { runLoad } from './lib/load.ts'
import { clearProgress, formatTable, median, printChecks, progress, writeResults } from './lib/output.ts'
import type { Check } from './lib/output.ts'
import { toMs } from './lib/scenario.ts'
import { chatRequest, startGateway, startMock } from './lib/targets.ts'
import type { Target } from './lib/targets.ts'

interface Outcome {
  figures: Record<string, unknown>
  checks: Check[]
}

const requestsPerSecond = 500
const killLatencyMs = 20

/** The gateway's own counters, summed over the series that have all of these labels. */
async function metric (gateway: Target, name: string, ...labels: string[]): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${gateway.port}/metrics`)).text()
  return text.split('\n')
    .filter((line) => line.startsWith(`${name}{`) && labels.every((label) => line.includes(label)))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
}

/** Asks for the model that ends its thread. Its time is over by then: another attempt would end a second thread. */
async function endThread (gateway: Target): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${gateway.port}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-bf-request-timeout': String((killLatencyMs + 8) / 1_000) },
    body: JSON.stringify({ model: 'mock/exit-thread', messages: [{ role: 'user', content: 'end' }] })
  })
  await response.text()
}

/** A thread of the provider is ended every second; one retry is allowed. */
async function killThread (seconds: number): Promise<Outcome> {
  const mock = await startMock()
  const gateway = await startGateway({
    mockPort: mock.port,
    providers: { mock: { mock: { latency_ms: killLatencyMs, thread_faults: true }, threads: 2, network_config: { max_retries: 1, retry_backoff_initial: 50 } } }
  })
  try {
    const load = runLoad({ kind: 'open-loop', request: chatRequest({ ...gateway, model: 'mock/any' }), requestsPerSecond, seconds, warmupSeconds: 2, connectionsMax: 500 })
    load.catch(() => {})
    await delay(2_500)
    const kills = Math.floor(seconds - 1)
    for (let kill = 0; kill < kills; kill++) {
      progress(`kill-thread: ${kill + 1} of ${kills}`)
      void endThread(gateway)
      await delay(1_000)
    }
    const { result } = await load
    const restarts = await metric(gateway, 'bifrost_thread_restarts_total', 'provider="mock"')
    return {
      figures: { requests: result.requests, statuses: result.statuses, errorTypes: result.errorTypes, lost: result.lost, p50Ms: toMs(result.accepted, 50), p99Ms: toMs(result.accepted, 99), threadsReplaced: restarts },
      checks: [
        { name: `kill-thread: requests not answered 200, ${restarts} threads ended`, wanted: '0', measured: String(result.requests - result.accepted.count), pass: result.requests === result.accepted.count },
        { name: 'kill-thread: threads ended', wanted: `>= ${kills}`, measured: String(restarts), pass: restarts >= kills }
      ]
    }
  } finally {
    await gateway.stop()
    await mock.stop()
  }
}

/** The primary stands still, which is the worst way to be down: it takes requests and never answers. */
async function outage (seconds: number): Promise<Outcome> {
  const primary = await startMock({ latencyMs: 20 })
  const spare = await startMock({ latencyMs: 20 })
  const custom = (port: number, more: object = {}): object => ({
    custom_provider_config: { base_provider_type: 'openai', is_key_less: true },
    network_config: { base_url: `http://127.0.0.1:${port}`, response_header_timeout_in_seconds: 1, connect_timeout_in_seconds: 1, max_retries: 1 },
    ...more
  })
  const gateway = await startGateway({ mockPort: spare.port, providers: { primary: custom(primary.port, { fallbacks: ['spare/m'] }), spare: custom(spare.port) } })
  try {
    const load = runLoad({ kind: 'open-loop', request: chatRequest({ ...gateway, model: 'primary/m' }), requestsPerSecond, seconds: seconds + 12, warmupSeconds: 1, connectionsMax: 2_000 })
    load.catch(() => {})
    await delay(3_000)
    process.kill(primary.pid, 'SIGSTOP')
    // What was under way when it stopped, and what opened the breaker, is no probe.
    await delay(2_500)
    const atOpen = await metric(gateway, 'bifrost_upstream_requests_total', 'provider="primary"')
    for (let second = 3; second < seconds; second++) {
      progress(`outage: second ${second} of ${seconds}`)
      await delay(1_000)
    }
    const probes = await metric(gateway, 'bifrost_upstream_requests_total', 'provider="primary"') - atOpen
    process.kill(primary.pid, 'SIGCONT')
    const recoveredMs = performance.now()
    const before = await metric(gateway, 'bifrost_success_requests_total', 'provider="primary"')
    while (await metric(gateway, 'bifrost_success_requests_total', 'provider="primary"') <= before + 10 && performance.now() < recoveredMs + 20_000) await delay(50)
    const recoverySeconds = (performance.now() - recoveredMs) / 1_000
    const { result } = await load
    return {
      figures: { requests: result.requests, statuses: result.statuses, lost: result.lost, p50Ms: toMs(result.accepted, 50), p99Ms: toMs(result.accepted, 99), probes, recoverySeconds },
      checks: [
        { name: 'outage: requests not answered 200', wanted: '0', measured: String(result.requests - result.accepted.count), pass: result.requests === result.accepted.count },
        { name: `outage: attempts on the dead primary in ${seconds - 3} s, of ${requestsPerSecond * (seconds - 3)} requests`, wanted: '<= 2 a second', measured: String(probes), pass: probes <= 2 * seconds },
        { name: 'outage: seconds until the primary serves again', wanted: '<= 5', measured: recoverySeconds.toFixed(1), pass: recoverySeconds <= 5 }
      ]
    }
  } finally {
    process.kill(primary.pid, 'SIGCONT')
    await gateway.stop()
    await spare.stop()
    await primary.stop()
  }
}

/** A healthy provider beside one that stands still, in rounds with and without. */
async function bulkhead (rounds: number): Promise<Outcome> {
  const healthy = await startMock({ latencyMs: 20 })
  const sick = await startMock({ latencyMs: 20 })
  const gateway = await startGateway({
    mockPort: healthy.port,
    providers: { sick: { custom_provider_config: { base_provider_type: 'openai', is_key_less: true }, network_config: { base_url: `http://127.0.0.1:${sick.port}`, response_header_timeout_in_seconds: 1 } } }
  })
  try {
    const send = (model: string, rate: number, seconds: number) => runLoad({ kind: 'open-loop', request: chatRequest({ ...gateway, model }), requestsPerSecond: rate, seconds, warmupSeconds: 1, connectionsMax: 2_000 })
    const p99Ms: Record<'alone' | 'beside', number[]> = { alone: [], beside: [] }
    for (let round = 0; round < rounds * 2; round++) {
      const beside = round % 2 === 1
      progress(`bulkhead: round ${round + 1} of ${rounds * 2}`)
      // The other provider gets the same load in both kinds of round; only its health differs.
      if (beside) process.kill(sick.pid, 'SIGSTOP')
      const [, { result }] = await Promise.all([send('sick/m', 200, 5), send(gateway.model, requestsPerSecond, 5)])
      if (beside) process.kill(sick.pid, 'SIGCONT')
      p99Ms[beside ? 'beside' : 'alone'].push(toMs(result.accepted, 99))
      if (beside) await delay(2_500)
    }
    const ratio = median(p99Ms.beside) / median(p99Ms.alone)
    return { figures: { p99Ms, ratio }, checks: [{ name: 'bulkhead: p99 of a healthy provider, beside a dead one / beside a healthy one', wanted: '<= 1.10', measured: ratio.toFixed(2), pass: ratio <= 1.1 }] }
  } finally {
    process.kill(sick.pid, 'SIGCONT')
    await gateway.stop()
    await sick.stop()
    await healthy.stop()
  }
}

/** What gets through when ten times as much comes as the provider's limits allow, against what gets through at the limit. */
async function overload (seconds: number): Promise<Outcome> {
  const concurrency = 50
  const latencyMs = 100
  const capacityRps = concurrency * 1_000 / latencyMs
  const mock = await startMock({ latencyMs })
  const gateway = await startGateway({ mockPort: mock.port, concurrency, bufferSize: concurrency, dropExcessRequests: true })
  try {
    const send = async (times: number): Promise<{ goodput: number, rejectedP99Ms: number, unanswered: number }> => {
      progress(`overload: ${times} times capacity`)
      const { result } = await runLoad({ kind: 'open-loop', request: chatRequest(gateway), requestsPerSecond: capacityRps * times, seconds, warmupSeconds: 2, connectionsMax: 2_000 })
      return { goodput: result.accepted.count / result.elapsedSeconds, rejectedP99Ms: toMs(result.rejected, 99), unanswered: result.lost }
    }
    const peak = await send(1)
    const over = await send(10)
    const ratio = over.goodput / peak.goodput
    return {
      figures: { capacityRps, peak, over },
      checks: [
        { name: 'overload: goodput at 10 times capacity / at capacity', wanted: '>= 0.9', measured: ratio.toFixed(2), pass: ratio >= 0.9 },
        { name: 'overload: p99 of refusals at 10 times', wanted: '<= 20 ms', measured: `${over.rejectedP99Ms.toFixed(1)} ms`, pass: over.rejectedP99Ms <= 20 },
        { name: 'overload: requests without an answer', wanted: '0', measured: String(over.unanswered), pass: over.unanswered === 0 }
      ]
    }
  } finally {
    await gateway.stop()
    await mock.stop()
  }
}

/** SIGTERM in the middle of a load. What the gateway has taken must be answered; what it refuses (503, closed port) was not taken. */
async function sigterm (rounds: number): Promise<Outcome> {
  const mock = await startMock({ latencyMs: 200 })
  const totals: Record<string, number> = {}
  try {
    for (let round = 1; round <= rounds; round++) {
      progress(`sigterm: round ${round} of ${rounds}`)
      const gateway = await startGateway({ mockPort: mock.port })
      const agent = new Agent({ keepAlive: true })
      const sent: Promise<string>[] = []
      for (let index = 0; index < requestsPerSecond * 3; index++) {
        sent.push(sendOne(gateway, agent))
        if (index === requestsPerSecond) process.kill(gateway.pid, 'SIGTERM')
        await delay(1_000 / requestsPerSecond)
      }
      for (const kind of await Promise.all(sent)) totals[kind] = (totals[kind] ?? 0) + 1
      agent.destroy()
      await gateway.stop()
    }
    const { answered = 0, refused = 0, lost = 0 } = totals
    return { figures: totals, checks: [{ name: `sigterm: accepted requests lost, ${rounds} stops`, wanted: '0', measured: `${lost} of ${answered + refused + lost}`, pass: lost === 0 && answered > 0 && refused > 0 }] }
  } finally {
    await mock.stop()
  }
}

function sendOne (gateway: Target, agent: Agent): Promise<'answered' | 'refused' | 'lost'> {
  const { path, body } = chatRequest(gateway)
  return new Promise((resolve) => {
    const request = httpRequest({ port: gateway.port, host: '127.0.0.1', agent, path, method: 'POST', headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) } }, (response) => {
      response.on('end', () => { resolve(response.statusCode === 200 ? 'answered' : response.statusCode === 503 ? 'refused' : 'lost') })
      response.on('error', () => { resolve('lost') })
      response.resume()
    })
    request.on('error', (error: NodeJS.ErrnoException) => { resolve(error.code === 'ECONNREFUSED' ? 'refused' : 'lost') })
    request.end(body)
  })
}

async function main (): Promise<void> {
  const { values } = parseArgs({ options: { only: { type: 'string' }, quick: { type: 'boolean', default: false } } })
  const scenarios: Record<string, () => Promise<Outcome>> = {
    'kill-thread': () => killThread(values.quick ? 5 : 30),
    outage: () => outage(values.quick ? 6 : 20),
    bulkhead: () => bulkhead(values.quick ? 1 : 5),
    overload: () => overload(values.quick ? 2 : 15),
    sigterm: () => sigterm(values.quick ? 1 : 5)
  }
  const names = values.only === undefined ? Object.keys(scenarios) : [values.only]
  const results: Record<string, Outcome> = {}
  for (const name of names) {
    const run = scenarios[name]
    if (run === undefined) throw new Error(`usage: npm run bench:reliability -- [--only ${Object.keys(scenarios).join('|')}] [--quick]`)
    results[name] = await run()
  }
  clearProgress()
  for (const [name, { figures }] of Object.entries(results)) {
    console.log(formatTable([name, ''], Object.entries(figures).map(([key, value]) => [key, JSON.stringify(value)])) + '\n')
  }
  printChecks(Object.values(results).flatMap(({ checks }) => checks))
  console.log(`\nwritten to ${writeResults('reliability', results)}`)
}

try {
  await main()
} catch (error) {
  clearProgress()
  console.error((error as Error).message)
  process.exitCode = 1
}
