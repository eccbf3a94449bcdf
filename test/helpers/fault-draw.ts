import { errorBodies, faults, ok, tokens } from './faults.ts'
import type { FaultExchange, Script } from './fault-upstream.ts'
import { wholeReply, wholeStream } from './sse.ts'

/**
 * What a client may see of a fault when nobody else is asked:
 *
 * - good: a whole answer, whatever happened on the way
 * - clean: an error status, with nothing of an answer; another attempt may mend it
 * - torn: as `clean`, or for a stream an error after part of it
 */
export type Damage = 'good' | 'clean' | 'torn'

interface Fault {
  damage: Damage
  draw: (random: () => number) => Script
}

const between = (random: () => number, low: number, high: number): number => low + Math.floor(random() * (high - low))
const isStream = ({ json }: FaultExchange): boolean => json.stream === true
/** One thing for streams, another for unary requests. */
const either = (stream: Script, unary: Script): Script => (exchange) => (isStream(exchange) ? stream : unary)(exchange)
const half = wholeReply.slice(0, 40)
const closeOnReuse = faults.closeOnReuse()

/** The faults that an upstream can be told to show, each with figures drawn from seeded random numbers. A refused connection is a port, not a script. */
export const faultKinds = {
  ok: { damage: 'good', draw: () => ok },
  latency: { damage: 'good', draw: (random) => faults.latency(between(random, 1, 40)) },
  jitter: { damage: 'good', draw: (random) => faults.jitter(2, 30, random) },
  bandwidth: { damage: 'good', draw: (random) => faults.bandwidth(between(random, 5_000, 50_000)) },
  slicer: { damage: 'good', draw: (random) => either(faults.slicer(wholeStream, between(random, 4, 64), between(random, 0, 2 ** 31)), ok) },
  'slow-close': { damage: 'good', draw: (random) => faults.slowClose(between(random, 1, 60)) },
  'no-done': { damage: 'good', draw: () => faults.noDone() },
  'reset-before-head': { damage: 'clean', draw: () => faults.resetBeforeHead() },
  'close-before-head': { damage: 'clean', draw: () => faults.closeBeforeHead() },
  'reset-after-head': { damage: 'clean', draw: () => faults.resetAfterHead() },
  'close-on-reuse': { damage: 'clean', draw: () => closeOnReuse },
  silent: { damage: 'clean', draw: () => faults.silent() },
  'wrong-content-length': { damage: 'clean', draw: () => either(faults.cut('data: {"ch', 5_000), faults.wrongContentLength()) },
  'error-in-200': { damage: 'clean', draw: (random) => faults.errorInside200(errorBodies[random() < 0.5 ? 500 : 429]) },
  html: { damage: 'clean', draw: () => faults.html502() },
  429: { damage: 'clean', draw: () => faults.status(429) },
  '429-retry-after': { damage: 'clean', draw: (random) => faults.status(429, { 'retry-after-ms': String(between(random, 1, 40)) }) },
  401: { damage: 'clean', draw: () => faults.status(401) },
  500: { damage: 'clean', draw: () => faults.status(500) },
  503: { damage: 'clean', draw: () => faults.status(503) },
  cut: { damage: 'torn', draw: (random) => either(faults.cutAtToken(between(random, 1, 60), 60, random() < 0.5 ? 'chunked' : 'close'), faults.resetMidBody(half)) },
  stall: { damage: 'torn', draw: (random) => either(faults.stall(tokens(between(random, 1, 10)).join('')), faults.silent()) },
  'bad-chunk': { damage: 'torn', draw: () => either(faults.badChunkLength(), faults.wrongContentLength()) }
} as const satisfies Record<string, Fault>

export type FaultKind = keyof typeof faultKinds

const names = Object.keys(faultKinds) as FaultKind[]

export function drawFaultKind (random: () => number): FaultKind {
  return names[Math.floor(random() * names.length)] as FaultKind
}

/** Does to each request what its model says: `<kind>`, or `<kind>:<anything>`. */
export function faultsByModel (random: () => number): Script {
  return (exchange) => {
    const kind = exchange.json.model.split(':')[0] as FaultKind
    return faultKinds[kind].draw(random)(exchange)
  }
}
