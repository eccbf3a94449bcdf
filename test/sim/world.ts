import type { Priority } from '../../src/api/job.ts'
import type { ProviderSettings, Settings } from '../../src/api/settings.ts'
import type { ErrorCode } from '../../src/errors.ts'
import type { Generation } from '../../src/reload/generation.ts'
import type { Generations } from '../../src/reload/generations.ts'
import type { RequestHandle } from '../../src/request-record.ts'
import type { Draw } from './draw.ts'
import type { EventLog } from './event-log.ts'
import type { ProviderPlan, Scenario } from './scenario.ts'
import type { SimAttempt } from './sim-attempt.ts'
import type { SimThread } from './sim-thread.ts'
import type { VirtualClock } from './virtual-clock.ts'
import type { WatchedPool } from './watched-pool.ts'

/** Wall clock at virtual time 0. */
const epochStartMs = Date.UTC(2026, 0, 1)

/** One rule that did not hold. */
export interface Violation {
  rule: string
  detail: string
  /** -1: of no request in particular. */
  request: number
  atMs: number
}

/** How a request ended, as its client saw it. */
export type Ending = 'answered' | 'closed' | 'failed' | 'gone'

/** A request as its client knows it, and what was done for it. */
export interface Ask {
  id: number
  /** What was current when it came; it stays what counts for it. */
  generation: Generation
  priority: Priority
  receivedAtMs: number
  deadlineMs: number
  stream: boolean
  /** The name of a key; null for none. */
  pin: string | null
  /** Its provider is configured. */
  isServed: boolean
  /** Targets by name in the order in which they may be tried. */
  hops: string[]
  /** What the primary's config has for requests that do not fit or are not allowed; null where the primary is not configured. */
  specialHops: { context: string[], policy: string[] } | null
  /** The list for context length or content policy has taken the place of the others. */
  replaced: boolean
  run: RequestHandle | null
  notes: Note[]
  ending: Ending | null
  endedAtMs: number
  /** The client has seen the head of a stream. */
  opened: boolean
  /** Bytes of a stream that the client has not taken. */
  heldBytes: number
  /** When it took some of them last. */
  takenAtMs: number
  code: ErrorCode | 'ok'
}

/** One attempt, as the pool was asked for it. */
export interface Note {
  ask: Ask
  provider: ProviderWorld
  /** Those of the request's generation. */
  settings: ProviderSettings
  keyIndex: number
  /** As the client or a fallback names it. */
  model: string
  /** As the upstream is asked for it. */
  upstreamModel: string
  /** It joined an attempt that was under way. */
  isHedge: boolean
  /** The other one of two at once, hedge or original; null as long as it is alone. */
  partner: Note | null
  hop: number
  submittedAtMs: number
  /** -1: it is or was queued only. */
  dispatchedAtMs: number
  endedAtMs: number
  /** Counts endings and cancellations, whichever came first of an attempt; -1 before. */
  conclusion: number
  state: 'queued' | 'running' | 'ended'
  /** How it ended; empty while it has not. */
  code: ErrorCode | 'ok' | ''
  /** The pool did not take it. */
  refused: boolean
  /** A reply or the first event has come, and was of use. */
  answered: boolean
  /** Cancelled because its partner has answered. */
  outpaced: boolean
  cancelled: boolean
  /** -1: it was not. */
  cancelledAtMs: number
  attempt: SimAttempt | null
  /** Openings and closings of the breaker before it. */
  breakerEpoch: number
  breakerRole: 'none' | 'normal' | 'probe' | 'last-resort'
  isFirstOfHop: boolean
}

/** A breaker as its notifications and the attempts describe it. */
export interface BreakerView {
  state: 'closed' | 'open'
  epoch: number
  openedAtMs: number
  /** How long it stays open at least. */
  openMs: number
  failuresInARow: number
  probes: number
}

/** What the gateway has to know of a provider, by name; pools come and go. */
export interface HealthView {
  /** By id of a key: until when the provider itself wants it to be left alone. */
  firmUntilMs: Map<string, number>
  breakers: Map<string, BreakerView>
  /** Shares of retries and hedges that targets earned when they were entered, and what was spent. */
  earnedRetries: number
  paidRetries: number
  earnedHedges: number
  hedges: number
  answers: number
}

/** One pool of a provider and what belongs to it. */
export interface ProviderWorld {
  name: string
  /** As the pool was told last. */
  settings: ProviderSettings
  dropExcess: boolean
  plan: ProviderPlan
  pool: WatchedPool
  threads: Set<SimThread>
  /** At the upstream now. */
  live: Set<SimAttempt>
  /** In order of their coming. What the pool's own figures are compared with. */
  queued: Set<Note>
  running: Set<Note>
  /** Its submission goes on. */
  submitting: Note | null
  /** A thread had no room in its ring then. */
  ringFullAtMs: number
  /** More than the limits allow after they went down: what was there then may stay until it ends. */
  runningMax: number
  waitingMax: number
  /** Models got or lost limits of their own while jobs were here: whose lane they are in cannot be told from outside. */
  hasMixedLanes: boolean
  state: 'open' | 'closing' | 'closed'
}

/** What all parts of a simulation share. */
export class World {
  readonly scenario: Scenario
  readonly clock: VirtualClock
  readonly draw: Draw
  readonly log: EventLog
  /** Their pools, in order of creation; those that have closed as well. */
  readonly providers: ProviderWorld[] = []
  readonly healths = new Map<string, HealthView>()
  readonly counts = { breakerOpenings: 0, threadsLost: 0, retries: 0, hedges: 0, displaced: 0, reloads: 0 }
  /** Something has ended that promises may wait for. */
  unsettled = false
  conclusions = 0
  readonly open = new Set<Ask>()
  readonly asks: Ask[] = []
  readonly attempts: SimAttempt[] = []
  violation: Violation | null = null
  /** Threads and upstreams fail; no more once the last request has come. */
  isFaulty: boolean

  constructor (scenario: Scenario, clock: VirtualClock, draw: Draw, log: EventLog) {
    this.scenario = scenario
    this.clock = clock
    this.draw = draw
    this.log = log
    this.isFaulty = !scenario.calm
  }

  private known: Generations<WatchedPool> | null = null

  get generations (): Generations<WatchedPool> {
    if (this.known === null) throw new Error('the world has no generations yet')
    return this.known
  }

  set generations (generations: Generations<WatchedPool>) {
    this.known = generations
  }

  /** What new requests begin with. */
  get settings (): Settings { return this.generations.current.settings }

  health (provider: string): HealthView {
    let health = this.healths.get(provider)
    if (health === undefined) this.healths.set(provider, health = { firmUntilMs: new Map(), breakers: new Map(), earnedRetries: 0, paidRetries: 0, earnedHedges: 0, hedges: 0, answers: 0 })
    return health
  }

  get nowMs (): number { return this.clock.nowMs }
  get nowEpochMs (): number { return epochStartMs + this.clock.nowMs }

  note (line: string): void {
    this.log.add(this.clock.nowMs, line)
  }

  /** The first violation counts; the simulation stops after the event that it happened in. It does not throw: the code under test would catch it. */
  violate (rule: string, detail: string, request = -1): void {
    this.violation ??= { rule, detail, request, atMs: this.clock.nowMs }
  }

  check (holds: boolean, rule: string, detail: () => string, request = -1): void {
    if (!holds) this.violate(rule, detail(), request)
  }
}

/** How many a pool may run at once. */
export function concurrencyOf ({ concurrency, connectionsPerOrigin }: ProviderSettings): number {
  return Math.min(concurrency, connectionsPerOrigin)
}

/** Under way for its request. */
export function isLive (note: Note): boolean {
  return note.state !== 'ended' && !note.cancelled
}
