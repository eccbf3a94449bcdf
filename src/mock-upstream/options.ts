export interface MockUpstreamOptions {
  host: string
  /** 0 takes a free port. */
  port: number
  /** Time until the first byte of an answer. */
  latencyMs: number
  /** Adds up to this much to `latencyMs`, evenly spread. */
  jitterMs: number
  /** Content frames of a stream. */
  frames: number
  /** 0 sends frames as fast as the reader takes them. */
  frameIntervalMs: number
  /** Words in a unary answer, and its `completion_tokens`. */
  tokens: number
  /** Pads a unary answer with spaces to this size; 0 leaves it as it is. */
  bodyBytes: number
  /** 0 to 1: share of requests answered with `failureStatus`. */
  failureProbability: number
  failureStatus: number
  /** Starts the random numbers behind jitter and failures. */
  seed: number
}

const defaultOptions: Readonly<MockUpstreamOptions> = {
  host: '127.0.0.1',
  port: 0,
  latencyMs: 0,
  jitterMs: 0,
  frames: 64,
  frameIntervalMs: 20,
  tokens: 48,
  bodyBytes: 0,
  failureProbability: 0,
  failureStatus: 500,
  seed: 1
}

/** Largest value of each number; also the bound for the `x-mock-*` headers. */
export const optionMax = {
  port: 65_535,
  latencyMs: 600_000,
  jitterMs: 600_000,
  frames: 100_000,
  frameIntervalMs: 60_000,
  tokens: 1_000_000,
  bodyBytes: 64 * 1024 * 1024,
  failureProbability: 1,
  failureStatus: 599,
  seed: 0xffff_ffff
} as const

/** A request body above this is answered 413. */
export const requestBodyBytesMax = 64 * 1024 * 1024

export function parseOptions (given: Partial<MockUpstreamOptions>): MockUpstreamOptions {
  const options = { ...defaultOptions }
  if (given.host !== undefined) options.host = given.host
  for (const name of Object.keys(optionMax) as Array<keyof typeof optionMax>) {
    const value = given[name]
    if (value === undefined) continue
    if (!(value >= 0 && value <= optionMax[name])) {
      throw new RangeError(`mock upstream: ${name} must be a number from 0 to ${optionMax[name]}, got ${value}`)
    }
    options[name] = value
  }
  return options
}
