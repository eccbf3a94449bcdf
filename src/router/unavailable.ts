import { GatewayError } from '../errors.ts'

/** Why nobody of a provider was asked; `retry-after` goes to the client where nobody else answers. */
interface Unavailable {
  error: GatewayError
  target: null
  headers: string
}

export function toOpenFailure (provider: string, model: string, waitMs: number): Unavailable {
  const seconds = Math.max(1, Math.ceil(waitMs / 1_000))
  const error = new GatewayError('BIFROST_CIRCUIT_OPEN', { provider, message: `${model} of ${provider} failed too often lately and is left alone; it is probed again in about ${seconds} s.` })
  return { error, target: null, headers: `retry-after: ${seconds}` }
}

export function toRestingFailure (provider: string, waitMs: number): Unavailable {
  const seconds = Math.ceil(waitMs / 1_000)
  const error = new GatewayError('BIFROST_KEYS_RESTING', { provider, message: `All keys of ${provider} rest after a rate limit; the first one is back in ${seconds} s.` })
  return { error, target: null, headers: `retry-after: ${seconds}` }
}
