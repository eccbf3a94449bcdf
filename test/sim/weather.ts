import { GatewayError } from '../../src/errors.ts'
import type { ErrorCode, ErrorDetails } from '../../src/errors.ts'
import type { Draw } from './draw.ts'

/** What an upstream does with one attempt. */
export type Mood = 'ok' | 'rate_limited' | 'server_error' | 'unavailable' | 'key_refused' | 'context' | 'policy' | 'bad_request' | 'not_implemented' | 'refused_connection' |
  'connect_silence' | 'reset' | 'garbage' | 'silence' | 'late_first_token' | 'cut' | 'stall' | 'error_inside' | 'hung'

export type MoodWeights = Partial<Record<Mood, number>>

/** How a provider fares until a time. */
export interface Weather {
  untilMs: number
  moods: MoodWeights
  /** Mean time to the first byte. */
  latencyMs: number
}

/** Every stretch of time has one of these, mixed with good answers. */
const climates: readonly MoodWeights[] = [
  {},
  { server_error: 1, unavailable: 1, reset: 1, refused_connection: 1, garbage: 0.5 },
  { rate_limited: 1 },
  { silence: 1, connect_silence: 0.5, late_first_token: 1 },
  { cut: 2, stall: 1, error_inside: 1, reset: 0.5 },
  { context: 2, policy: 2, bad_request: 1, not_implemented: 1 },
  { rate_limited: 2, server_error: 2, unavailable: 2, reset: 1, silence: 0.5, late_first_token: 0.5, cut: 1, stall: 0.5, error_inside: 1, context: 1, policy: 1, bad_request: 1, garbage: 1, hung: 0.3 },
  { hung: 1, server_error: 1 }
]

export function drawWeather (draw: Draw, endMs: number): Weather[] {
  const list: Weather[] = []
  const usualMs = draw.spread(10, 800)
  for (let untilMs = 0; untilMs < endMs;) {
    untilMs += draw.exponential(draw.pick([3_000, 15_000, 60_000]))
    const faults = draw.pick(climates)
    // Mostly a few faults among good answers, now and then nothing but faults.
    const ok = draw.chance(0.2) ? 0 : draw.spread(0.5, 40)
    const isClear = Object.keys(faults).length === 0
    list.push({ untilMs, moods: { ok: isClear ? 1 : ok, ...faults }, latencyMs: usualMs * (draw.chance(0.15) ? draw.between(2, 10) : 1) })
  }
  return list
}

/** What ends an attempt, beside its own completion and the thread's deadlines. */
export interface Refusal {
  code: ErrorCode
  details: ErrorDetails
  /** The upstream's headers as lines. */
  headers: string
  /** How long it asks to be left alone; -1: it does not say. */
  hintMs: number
}

/** An attempt as its upstream plays it. */
export interface Script {
  mood: Mood
  /** Until the answer, the stream's first event or the refusal; Infinity: nothing ever comes. */
  firstByteMs: number
  /** Events before the ending, of streams. */
  events: number
  gapMs: number
  eventBytes: number
  /** Null: the answer is complete; `silence`: only a deadline ends it. */
  ending: Refusal | 'silence' | null
}

const statuses: Partial<Record<Mood, ErrorDetails>> = {
  rate_limited: { status: 429, message: 'Slow down.', type: 'rate_limit_error' },
  server_error: { status: 500, message: 'The server had an error.' },
  unavailable: { status: 503, message: 'Overloaded.' },
  key_refused: { status: 401, message: 'Who are you?' },
  context: { status: 400, message: 'Too long.', upstreamCode: 'context_length_exceeded' },
  policy: { status: 400, message: 'No.', upstreamCode: 'content_filter' },
  bad_request: { status: 400, message: 'Unknown field.' },
  not_implemented: { status: 501, message: 'Not here.' },
  error_inside: { status: 500, message: 'The server had an error.' }
}

const connectionCodes: Partial<Record<Mood, ErrorCode>> = { refused_connection: 'BIFROST_UPSTREAM_CONNECT', reset: 'BIFROST_UPSTREAM_RESET', garbage: 'BIFROST_UPSTREAM_BAD_RESPONSE' }

/** @param nowEpochMs for dates in `Retry-After` */
export function drawScript (draw: Draw, mood: Mood, stream: boolean, latencyMs: number, nowEpochMs: number): Script {
  const firstByteMs = 1 + draw.exponential(latencyMs)
  const events = draw.int(1, 12)
  // One stream in fifty is larger than the window between worker and client.
  const eventBytes = stream && draw.chance(0.02) ? 24 * 1024 : 24
  const script: Script = { mood, firstByteMs, events, gapMs: draw.exponential(30), eventBytes, ending: null }
  if (mood === 'ok') return script
  if (mood === 'silence' || mood === 'connect_silence' || mood === 'late_first_token' || mood === 'hung') return { ...script, firstByteMs: Infinity }
  if (stream && (mood === 'cut' || mood === 'stall' || mood === 'error_inside')) {
    const before = draw.int(0, events)
    if (mood === 'stall') return { ...script, events: before, ending: 'silence' }
    return { ...script, events: before, ending: toRefusal(mood === 'cut' ? 'BIFROST_UPSTREAM_TRUNCATED' : 'BIFROST_UPSTREAM_STATUS', statuses[mood]) }
  }
  if (mood === 'cut' || mood === 'stall') return { ...script, ending: toRefusal('BIFROST_UPSTREAM_RESET') }
  const details = statuses[mood]
  const ending = toRefusal(details === undefined ? connectionCodes[mood] as ErrorCode : 'BIFROST_UPSTREAM_STATUS', details)
  if ((mood === 'rate_limited' && draw.chance(0.6)) || (mood === 'unavailable' && draw.chance(0.3))) drawHint(draw, ending, nowEpochMs + firstByteMs)
  return { ...script, events: 0, ending }
}

function toRefusal (code: ErrorCode, details: ErrorDetails = {}): Refusal {
  return { code, details, headers: '', hintMs: -1 }
}

function drawHint (draw: Draw, ending: Refusal, epochMs: number): void {
  const seconds = draw.pick([0, 1, 2, 5, 20])
  const form = draw.pick(['seconds', 'milliseconds', 'date', 'reset'] as const)
  ending.hintMs = seconds * 1_000
  if (form === 'seconds') ending.headers = `retry-after: ${seconds}`
  else if (form === 'milliseconds') {
    ending.hintMs = draw.int(1, 3_000)
    ending.headers = `retry-after-ms: ${ending.hintMs}`
  } else if (form === 'reset') ending.headers = `x-ratelimit-remaining-requests: 0\r\nx-ratelimit-reset-requests: ${seconds}s`
  else {
    const date = new Date(epochMs + ending.hintMs)
    ending.headers = `retry-after: ${date.toUTCString()}`
    // A date has no milliseconds; a hundred go for the way of the answer.
    ending.hintMs = Math.max(0, ending.hintMs - 1_100)
  }
}

export function toError ({ code, details }: Refusal): GatewayError {
  return new GatewayError(code, details)
}
