import { setTimeout as delay } from 'node:timers/promises'
import { monotonicUs } from '../../src/mock-upstream/monotonic.ts'
import { runLoad } from '../lib/load.ts'
import { startSwitchableUpstream } from '../lib/switchable-upstream.ts'
import { chatRequest, startGateway, startMock } from '../lib/targets.ts'
import { countStatuses, latencyMs } from './reliability-scenario.ts'
import type { ReliabilityScenario } from './reliability-scenario.ts'

const requestsPerSecond = 200
const upstreamMs = 20
const quietSeconds = 3
const recoverySeconds = 10
const recoverySecondsMax = 5
/** Failures that open the breaker, and what is in hand meanwhile; then two probes each time, 1, 2, 3, 3 ... seconds apart. */
const attemptsMaxOf = (downSeconds: number): number => 20 + 10 + 2 * Math.ceil(downSeconds)

/** The primary resets every connection for a while, under steady traffic, with a fallback in the config. */
export const fallbackOutage: ReliabilityScenario = {
  name: 'fallback-outage',
  async run ({ quick, onProgress }) {
    const downSeconds = quick ? 4 : 20
    const primary = await startSwitchableUpstream(upstreamMs)
    const mock = await startMock({ latencyMs: upstreamMs })
    try {
      const gateway = await startGateway({
        mockPort: mock.port,
        providers: { primary: { custom_provider_config: { base_provider_type: 'openai', is_key_less: true }, network_config: { base_url: `http://127.0.0.1:${primary.port}` }, fallbacks: ['openai/gpt-4o-mini'] } }
      })
      try {
        const load = runLoad({ kind: 'steady', request: chatRequest({ ...gateway, model: 'primary/m' }), phases: [{ requestsPerSecond, seconds: quietSeconds + downSeconds + recoverySeconds }], retries: 0, retryDelayMs: 0, timeoutMs: 10_000, connectionsMax: 1_000, name: 'r' })
        load.catch(() => {})
        await delay(quietSeconds * 1_000)
        onProgress(`fallback-outage: primary down for ${downSeconds} s`)
        const before = primary.requests
        primary.isDown = true
        await delay(downSeconds * 1_000)
        const attempts = primary.requests - before
        onProgress('fallback-outage: primary is back')
        primary.isDown = false
        const backUs = monotonicUs()
        const { result: { requests } } = await load
        const good = requests.filter(({ status }) => status === 200).length
        const again = requests.filter(({ servedBy, dueUs }) => servedBy === 'primary' && dueUs > backUs)
        const firstAfter = Math.min(...again.map(({ dueUs }) => (dueUs - backUs) / 1e6))
        const lastFallback = Math.max(0, ...requests.filter(({ servedBy }) => servedBy === 'openai').map(({ dueUs }) => (dueUs - backUs) / 1e6))
        const attemptsMax = attemptsMaxOf(downSeconds)
        return {
          figures: { requests: requests.length, statuses: countStatuses(requests), p99Ms: latencyMs(requests, 99), slowestMs: latencyMs(requests, 100), attemptsWhileDown: attempts, firstAgainSeconds: firstAfter, allAgainSeconds: lastFallback },
          checks: [
            { name: `fallback-outage: requests answered with 200, primary down for ${downSeconds} s`, wanted: 'all', measured: `${good} of ${requests.length}`, pass: good === requests.length && good > 0 },
            { name: 'fallback-outage: attempts that the primary saw while down', wanted: `<= ${attemptsMax}`, measured: `${attempts} for ${requestsPerSecond * downSeconds} requests`, pass: attempts <= attemptsMax },
            { name: 'fallback-outage: seconds until the primary serves again', wanted: `<= ${recoverySecondsMax}`, measured: `${firstAfter.toFixed(2)} (all of it after ${lastFallback.toFixed(2)})`, pass: firstAfter <= recoverySecondsMax }
          ]
        }
      } finally {
        await gateway.stop()
      }
    } finally {
      await mock.stop()
      await primary.stop()
    }
  }
}
