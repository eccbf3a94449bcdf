/** Options of benches that measure in rounds, for `parseArgs`. */
export const roundOptions = {
  rounds: { type: 'string' },
  seconds: { type: 'string' },
  streams: { type: 'string', default: '256' },
  quick: { type: 'boolean', default: false }
} as const

/** Streams at once, at most. */
export const streamsMax = 1_000

export interface Rounds {
  rounds: number
  seconds: number
  streams: number
}

/** @throws Error with the usage when a number is out of bounds */
export function toRounds (values: { rounds?: string, seconds?: string, streams: string, quick: boolean }, usage: string): Rounds {
  const rounds = Number(values.rounds ?? (values.quick ? 2 : 7))
  const seconds = Number(values.seconds ?? (values.quick ? 1 : 5))
  const streams = Number(values.streams)
  if (rounds >= 1 && rounds <= 100 && seconds > 0 && seconds <= 600 && streams >= 1 && streams <= streamsMax) return { rounds, seconds, streams }
  throw new Error(usage)
}
