import { setTimeout as delay } from 'node:timers/promises'
import type { FaultExchange } from '../../test/helpers/fault-upstream.ts'
import { faults, ok } from '../../test/helpers/faults.ts'
import { percentile } from './lanes.ts'
import type { ScoreboardRow } from './scoreboard-row.ts'
import { askOnce, hungRequests, withGateway } from './setup.ts'

const stormMs = 5_000
const retryAfterMs = 2_000
const requestsPerSecond = 100
const attemptsPerRequestMax = 1.2
/** Attempts that were on their way when the first 429 of a round was said: some two hundred requests wait for the same moment. */
const graceMs = 250
const burstMs = 100

/** A provider with two keys answers 429 with `Retry-After: 2` for five seconds, under steady traffic, then serves again. */
export const rateLimitStorm: ScoreboardRow = {
  row: 12,
  fault: '429 storm',
  async run () {
    const limited = faults.status(429, { 'retry-after': String(retryAfterMs / 1_000) })
    const restUntilMs = new Map<string, number>()
    let stormEndsMs = Infinity
    const counts = { attempts: 0, limited: 0, early: 0 }
    const attemptsOf = new Map<string, number>()
    const stormTimes: number[] = []
    const script = (exchange: FaultExchange): void | Promise<void> => {
      const nowMs = performance.now()
      const { model } = exchange.json
      if (stormEndsMs === Infinity) stormEndsMs = nowMs + stormMs
      counts.attempts++
      attemptsOf.set(model, (attemptsOf.get(model) ?? 0) + 1)
      const key = exchange.request.headers['authorization'] ?? ''
      const untilMs = restUntilMs.get(key) ?? 0
      if (nowMs < untilMs && nowMs > untilMs - retryAfterMs + graceMs) counts.early++
      if (nowMs > stormEndsMs) return ok(exchange)
      counts.limited++
      stormTimes.push(nowMs)
      if (nowMs > untilMs) restUntilMs.set(key, nowMs + retryAfterMs)
      return limited(exchange)
    }
    return await withGateway(script, (url) => ({
      providers: {
        up: {
          keys: ['one', 'two'].map((name) => ({ name, value: name, models: ['*'], weight: 1 })),
          custom_provider_config: { base_provider_type: 'openai' },
          network_config: { base_url: url, max_retries: 2, retry_backoff_initial: 50, retry_backoff_max: 3_000 }
        }
      }
    }), async ({ gateway }) => {
      const statuses: Record<string, number> = {}
      let withoutRetryAfter = 0
      const firstGoodMs: number[] = []
      const startedMs = performance.now()
      const answers: Promise<void>[] = []
      // Two seconds more than the storm and the last key's rest.
      const requests = requestsPerSecond * (stormMs + retryAfterMs + 2_000) / 1_000
      for (let index = 0; index < requests; index++) {
        const waitMs = startedMs + index * 1_000 / requestsPerSecond - performance.now()
        if (waitMs > 0) await delay(waitMs)
        answers.push(askOnce(gateway.port, `up/m${index}`).then(({ response }) => {
          statuses[response.status] = (statuses[response.status] ?? 0) + 1
          if (response.status === 200) firstGoodMs.push(performance.now() - stormEndsMs)
          else if (response.headers['retry-after'] === undefined) withoutRetryAfter++
        }))
      }
      await Promise.all(answers)
      const hung = await hungRequests(gateway)
      const amplification = counts.attempts / requests
      const burst = Math.max(...stormTimes.map((startMs) => stormTimes.filter((timeMs) => timeMs >= startMs && timeMs < startMs + burstMs).length))
      const served = percentile(firstGoodMs, 0)
      return {
        figures: { requests, ...counts, burst, amplification, attemptsMax: Math.max(...attemptsOf.values()), statuses, withoutRetryAfter, servedAfterStormMs: served, hung },
        checks: [
          { name: `${this.fault} of ${stormMs / 1_000} s, Retry-After 2, 2 keys, ${requestsPerSecond} RPS, ${requests} requests: attempts per request`, wanted: `<= ${attemptsPerRequestMax}`, measured: `${amplification.toFixed(3)} (${counts.limited} answers 429, ${burst} of them within ${burstMs} ms)`, pass: amplification <= attemptsPerRequestMax && hung === 0 },
          { name: 'the same: attempts with a key before its time', wanted: '0', measured: String(counts.early), pass: counts.early === 0 && counts.limited > 0 },
          { name: 'the same: refused without retry-after; ms after the storm until one is served', wanted: `0; <= ${retryAfterMs + 500}`, measured: `${withoutRetryAfter}; ${served.toFixed(0)}`, pass: withoutRetryAfter === 0 && served <= retryAfterMs + 500 }
        ]
      }
    })
  }
}
