import type { Reply } from '../api/reply.ts'
import type { Usage } from '../api/usage.ts'
import type { ErrorCode, GatewayError } from '../errors.ts'
import type { JobHead, Priority } from '../api/job.ts'
import type { ProviderSettings } from '../api/settings.ts'
import type { LimitVerdict } from './concurrency-limit.ts'
import type { Revision } from './revisions.ts'

/**
 * Who hears about a job. After `submit`, exactly one of `onReply`, `onEnd` and `onFailed` comes, once, as
 * the last call; `onHead` and `onChunk` only come before `onEnd` or `onFailed`.
 */
export interface JobListener {
  /** The job has left the queue. */
  onDispatched (queueMs: number): void
  onReply (reply: Reply): void
  onHead (status: number, headers: string, upstreamMicroseconds: number): void
  onChunk (bytes: Uint8Array): void
  onEnd (usage: Usage, upstreamMicroseconds: number): void
  onFailed (error: GatewayError, headers: string, usage: Usage, upstreamMicroseconds: number): void
}

/** On which terms a job waits. */
export interface JobTerms {
  readonly priority: Priority
  /** On the pool's clock: past it the job is not sent any more. Infinity for none. It may grow. */
  readonly deadlineMs: number
}

/** Where attempts on one provider run, as their owners see it. */
export interface JobPool {
  /**
   * @param settings those that the request began with; `head.keyIndex` counts in them
   * @throws GatewayError BIFROST_REQUEST_DROPPED, BIFROST_SHUTTING_DOWN; then no listener call comes
   */
  submit (listener: JobListener, settings: ProviderSettings, head: JobHead, body: readonly Uint8Array[], bodyBytes: number, terms: JobTerms): Job
  /** Its owner has no use for it any more: a queued job goes at once, a running one aborts its upstream and ends by itself. */
  cancel (job: Job): void
  /** The client has taken so much of a stream. */
  credit (job: Job, bytes: number): void
  /** How an attempt on a model went, for the model's own concurrency limit. */
  observe (model: string, stream: boolean, latencyMs: number, verdict: LimitVerdict): void
  /** Counts errors that are timeouts, by the deadline that passed. */
  countTimeout (code: ErrorCode): void
}

/** The thread that a running job is on, as the pool steers it. */
export interface JobCarrier {
  inFlight: number
  cancel (jobId: number): void
  credit (jobId: number, bytes: number): void
}

export type JobState = 'free' | 'queued' | 'running'

/**
 * An attempt on the front thread's side. Pooled: it belongs to its listener from `acquire` until its
 * ending call, after which the slot may serve another request.
 */
export class Job {
  /** Slot and generation in one; the name of this job in frames. */
  id = 0
  state: JobState = 'free'
  listener: JobListener | null = null
  head: JobHead | null = null
  revision: Revision | null = null
  /** Body segments in order. */
  body: readonly Uint8Array[] = []
  bodyBytes = 0
  thread: JobCarrier | null = null
  submittedAtMs = 0
  /** Its owner's own, looked at when the job's turn comes: a request may get more time while it waits. */
  terms: JobTerms | null = null
  /** Place of its priority in `priorities`: 0 goes first. */
  rank = 0
  /** Index of its lane at the gate, until it ends. */
  lane = 0
  /** Neighbours in the admission queue while queued. */
  previous: Job | null = null
  next: Job | null = null

  /** Drops every reference to the request that was served. */
  reset (): void {
    this.state = 'free'
    this.listener = null
    this.head = null
    this.revision = null
    this.body = []
    this.bodyBytes = 0
    this.thread = null
    this.submittedAtMs = 0
    this.terms = null
    this.rank = 0
    this.lane = 0
    this.previous = null
    this.next = null
  }
}
