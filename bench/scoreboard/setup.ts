import { FaultUpstream } from '../../test/helpers/fault-upstream.ts'
import type { Script } from '../../test/helpers/fault-upstream.ts'
import { ok } from '../../test/helpers/faults.ts'
import { RawClient } from '../../test/helpers/http-client.ts'
import type { ClientResponse } from '../../test/helpers/http-client.ts'
import { eventually } from '../../test/helpers/wait.ts'
import { startGateway } from '../lib/targets.ts'
import { inLanes } from './lanes.ts'
import type { GatewayOptions, Target } from '../lib/targets.ts'

const settleMsMax = 15_000
/** A row measures a gateway that has worked before, not its first requests. Every provider starts its threads with the first one. */
const warmUpRequests = 400
const warmUpRequestsPerProvider = 40

export interface Bench {
  upstream: FaultUpstream
  gateway: Target
}

/** A fault upstream in this process and a gateway process in front of it, warm; both end whatever happens. */
export async function withGateway<T> (script: Script, options: (upstreamUrl: string) => Omit<GatewayOptions, 'mockPort'>, work: (bench: Bench) => Promise<T>): Promise<T> {
  const upstream = new FaultUpstream(ok)
  await upstream.listen()
  try {
    const { providers = {}, ...rest } = options(upstream.url)
    const gateway = await startGateway({ mockPort: upstream.port, providers, ...rest })
    try {
      await inLanes(10, warmUpRequests, async (index) => { await askOnce(gateway.port, 'openai/warm-up', { stream: index % 2 === 0 }) })
      for (const name of Object.keys(providers)) {
        await inLanes(10, warmUpRequestsPerProvider, async (index) => { await askOnce(gateway.port, `${name}/warm-up`, { stream: index % 2 === 0 }) })
      }
      upstream.script = script
      upstream.requestCount = 0
      return await work({ upstream, gateway })
    } finally {
      await gateway.stop()
    }
  } finally {
    await upstream.close()
  }
}

/** A provider that speaks OpenAI's API at `url`, as in the config file. */
export function httpProvider (url: string, network: object = {}, more: object = {}): object {
  return { custom_provider_config: { base_provider_type: 'openai', is_key_less: true }, network_config: { base_url: url, ...network }, ...more }
}

export function chatBody (model: string, more: object = {}): string {
  return JSON.stringify({ model, messages: [{ role: 'user', content: 'hello' }], ...more })
}

/** A chat request on a connection of its own, read to its end. */
export async function askOnce (port: number, model: string, more: object = {}): Promise<{ response: ClientResponse, headMs: number, endMs: number }> {
  const client = await RawClient.connect(port)
  try {
    const sentMs = performance.now()
    const response = await client.chat(chatBody(model, more))
    const headMs = performance.now() - sentMs
    await response.end(settleMsMax)
    return { response, headMs, endMs: performance.now() - sentMs }
  } finally {
    client.socket.destroy()
  }
}

/** Requests that the gateway still has in hand once it had time to end them: 0 unless some hang. */
export async function hungRequests (gateway: Target, patienceMs = settleMsMax): Promise<number> {
  let open = NaN
  const check = async (): Promise<boolean> => {
    open = await sumOfMetrics(gateway, /^bifrost_(?:in_flight|active_requests)(?:\{[^}]*\})? (\d+)/gm)
    return open === 0
  }
  await eventually(check, 'nothing is open', patienceMs).catch(() => {})
  return open
}

async function sumOfMetrics (gateway: Target, samples: RegExp): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${gateway.port}/metrics`, { headers: { connection: 'close' } })).text()
  return [...text.matchAll(samples)].reduce((sum, match) => sum + Number(match[1]), 0)
}
