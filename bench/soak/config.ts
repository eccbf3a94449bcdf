export interface UpstreamPorts { alpha: number, beta: number, gamma: number }

/** The providers that traffic goes to; `mock` is the embedded one, whose threads can be told to end. */
export const providerNames = ['alpha', 'beta', 'gamma', 'mock'] as const

/**
 * The config file of the soak: something of everything is on somewhere. `version` changes what an operator might: keys, weights, limits, threads.
 * 0 is what it begins and ends with.
 */
export function toConfig ({ alpha, beta, gamma }: UpstreamPorts, version: number): string {
  const isOdd = version % 2 === 1
  const key = (name: string, weight: number): object => ({ name, value: `sk-${name}`, models: ['*'], weight })
  const provider = (port: number, maxRetries: number, more: object): object => ({
    custom_provider_config: { base_provider_type: 'openai' },
    keys: [key('one', 1 + version % 3), key('two', 1), ...(isOdd ? [key('three', 1)] : [])],
    network_config: {
      base_url: `http://127.0.0.1:${port}`, max_retries: maxRetries, retry_backoff_initial: 20, retry_backoff_max: 200, response_header_timeout_in_seconds: 2, first_token_timeout_in_seconds: 2, stream_idle_timeout_in_seconds: 2
    },
    concurrency_and_buffer_size: { concurrency: isOdd ? 200 : 250, buffer_size: 1_000 },
    ...more
  })
  return JSON.stringify({
    providers: {
      alpha: provider(alpha, 2, { threads: isOdd ? 1 : 2, fallbacks: ['beta/m'], hedging: { enabled: true, delay_min_in_seconds: 0.05, minimum_requests: 50 } }),
      beta: provider(beta, 1, { fallbacks: ['gamma/m'], single_flight: { enabled: true }, adaptive_concurrency: { enabled: true } }),
      gamma: provider(gamma, 2, { fallbacks: ['alpha/m'], stream_recovery: { enabled: true } }),
      mock: { mock: { latency_ms: 20, thread_faults: true }, fallbacks: ['beta/m'] }
    }
  }, null, 2)
}
