import type { ProviderSettings } from '../../src/api/settings.ts'
import type { ErrorCode } from '../../src/errors.ts'
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
  receivedAtMs: number
  deadlineMs: number
  stream: boolean
  /** The name of a key; null for none. */
  pin: string | null
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
  keyIndex: number
  /** As the client or a fallback names it. */
  model: string
  hop: number
  submittedAtMs: number
  endedAtMs: number
  state: 'queued' | 'running' | 'ended'
  /** How it ended; empty while it has not. */
  code: ErrorCode | 'ok' | ''
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
  failuresInARow: number
  probes: number
}

export interface ProviderWorld {
  settings: ProviderSettings
  plan: ProviderPlan
  pool: WatchedPool
  threads: Set<SimThread>
  /** At the upstream now. */
  live: Set<SimAttempt>
  /** By notes: what the pool's own figures are compared with. */
  waiting: number
  running: number
  /** A thread had no room in its ring then. */
  ringFullAtMs: number
  /** By key: until when the provider itself wants it to be left alone. */
  firmUntilMs: number[]
  breakers: Map<string, BreakerView>
  /** Targets that were entered, and retries that were paid for. */
  entries: number
  paidRetries: number
}

/** What all parts of a simulation share. */
export class World {
  readonly scenario: Scenario
  readonly clock: VirtualClock
  readonly draw: Draw
  readonly log: EventLog
  readonly providers: ProviderWorld[] = []
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
