import type { AnswerIdentity, Client, FailureContext, GatewayRequest } from '../api/client.ts'
import type { Reply } from '../api/reply.ts'
import type { ErrorCode, GatewayError } from '../errors.ts'
import { joinTexts } from '../api/join-texts.ts'
import { RequestRecord } from '../request-record.ts'
import type { RequestHandle } from '../request-record.ts'
import type { Generation } from '../reload/generation.ts'
import { RequestRun } from '../request-run.ts'
import type { GatewayContext } from '../gateway-context.ts'
import type { Replay } from './replay.ts'

/** Members of one flight; after that, the same request starts another one. */
export const membersMax = 256
/** Members are asked how much they have taken in steps of this size, in bytes; per chunk it would cost as much as the chunk. */
const creditStepBytes = 32 * 1024

const joinedLine = 'x-bifrost-single-flight: joined'

export interface FlightOptions {
  generation: Generation
  context: GatewayContext
  /** Null when nobody will join. */
  replay: Replay | null
  /** Nobody may join any more. Once. */
  onClosed: (flight: Flight) => void
}

interface StreamHead {
  identity: AnswerIdentity
  status: number
  headers: string
  upstreamMicroseconds: number
}

/**
 * One upstream request for several clients: what its run says to its client goes to all of them. States: waiting -> streaming -> ended,
 * and beside that open -> closed to those who would still join. The run goes on as long as one member is there, whoever it was that
 * began it, at the pace of the slowest one.
 */
export class Flight implements Client {
  private readonly run: RequestRun
  private readonly onClosed: (flight: Flight) => void
  private replay: Replay | null
  private closed = false
  private head: StreamHead | null = null
  /** A new array with every change: a member may leave while all are being told something. */
  private members: readonly FlightMember[]
  /** Whose record is the run's own. What the run cost is booked with it, once. */
  private payer: FlightMember
  /** What every member has taken of the stream, as the run was told. */
  private creditedBytes = 0
  /** When all have taken this much, the run is told again. */
  private goalBytes = creditStepBytes
  /** Members that have not. */
  private behindCount = 1

  constructor (leader: FlightMember, { generation, context, replay, onClosed }: FlightOptions) {
    this.run = new RequestRun(generation, context, leader.request, this)
    this.replay = replay
    this.onClosed = onClosed
    this.members = [leader]
    this.payer = leader
    leader.record = this.run.record
    leader.flight = this
  }

  get isStreaming (): boolean { return this.head !== null }

  start (): void {
    this.run.start()
  }

  /** Only before it is closed. The member sees the stream from its beginning. */
  join (member: FlightMember): void {
    member.hasJoined = true
    member.flight = this
    this.members = [...this.members, member]
    this.behindCount++
    this.run.extendDeadline(member.deadlineMs)
    if (this.head !== null) {
      member.openStream(this.head)
      for (const piece of this.replay?.pieces() ?? []) member.client.write(piece)
    }
    if (this.members.length >= membersMax) this.close()
  }

  answer (identity: AnswerIdentity, reply: Reply): void {
    for (const member of this.end()) member.answer(identity, reply)
  }

  openStream (identity: AnswerIdentity, status: number, headers: string, upstreamMicroseconds: number): void {
    const head = this.head = { identity, status, headers, upstreamMicroseconds }
    for (const member of this.members) member.openStream(head)
  }

  write (bytes: Uint8Array): void {
    if (this.replay !== null && !this.replay.append(bytes)) this.close()
    for (const { client } of this.members) client.write(bytes)
  }

  closeStream (): void {
    for (const { client } of this.end()) client.closeStream()
  }

  fail (error: GatewayError, context: FailureContext): void {
    for (const member of this.end()) member.fail(error, context)
  }

  taken (member: FlightMember, bytes: number): void {
    const wasBehind = member.takenBytes < this.goalBytes
    member.takenBytes += bytes
    if (wasBehind && member.takenBytes >= this.goalBytes) this.catchUp()
  }

  /** Members are looked at one by one; the run once for all of them. */
  tick (member: FlightMember, nowMs: number): void {
    if (member === this.payer) this.run.onTick(nowMs)
  }

  /** The member's own time is over before anything of the answer came. */
  expire (member: FlightMember): void {
    const error = new RequestRecord(member.request).toDeadlineError(member.deadlineMs)
    this.leave(member, error)
    member.fail(error, this.run.record.toFailureContext(''))
  }

  /** The member has no more use for the answer. The last one takes the upstream request with it. */
  leave (member: FlightMember, error: GatewayError): void {
    member.flight = null
    this.members = this.members.filter((other) => other !== member)
    const [heir] = this.members
    if (heir === undefined) {
      this.close()
      return this.run.onGone(error)
    }
    if (member === this.payer) {
      this.payer = heir
      heir.record = this.run.record
      member.record = new RequestRecord(member.request)
    }
    settleShared(member.record, this.run.record, error.code)
    if (member.takenBytes < this.goalBytes) this.catchUp()
  }

  /** One member less is behind. */
  private catchUp (): void {
    if (--this.behindCount > 0) return
    const leastBytes = this.members.reduce((least, { takenBytes }) => Math.min(least, takenBytes), Infinity)
    const bytes = leastBytes - this.creditedBytes
    this.creditedBytes = leastBytes
    this.goalBytes = leastBytes + creditStepBytes
    this.behindCount = this.members.reduce((count, { takenBytes }) => takenBytes < this.goalBytes ? count + 1 : count, 0)
    this.run.onTaken(bytes)
  }

  private close (): void {
    if (this.closed) return
    this.closed = true
    this.replay?.drop()
    this.replay = null
    this.onClosed(this)
  }

  /** @returns who has to be told how it ended */
  private end (): readonly FlightMember[] {
    this.close()
    const { members, run: { record } } = this
    this.members = []
    for (const member of members) {
      member.flight = null
      if (member !== this.payer) settleShared(member.record, record, record.outcome)
    }
    return members
  }
}

/** A request that is answered by a flight, as its client's watcher. */
export class FlightMember implements RequestHandle {
  readonly request: GatewayRequest
  readonly client: Client
  /** On the clock of `nowMs`. */
  readonly deadlineMs: number
  /** The run's own while this member pays, else one that says how the shared run ended for it. */
  record: RequestRecord
  /** Null before the start and after the end. */
  flight: Flight | null = null
  /** The flight was under way. */
  hasJoined = false
  /** Of the stream, over all. */
  takenBytes = 0
  private readonly board: (member: FlightMember) => void

  /** @param board finds the flight, or starts one */
  constructor (request: GatewayRequest, client: Client, deadlineMs: number, board: (member: FlightMember) => void) {
    this.request = request
    this.client = client
    this.deadlineMs = deadlineMs
    this.record = new RequestRecord(request)
    this.board = board
  }

  start (): void {
    this.board(this)
  }

  onTaken (bytes: number): void {
    this.flight?.taken(this, bytes)
  }

  onGone (error: GatewayError): void {
    this.flight?.leave(this, error)
  }

  onTick (nowMs: number): void {
    const { flight } = this
    if (flight === null) return
    if (!flight.isStreaming && nowMs >= this.deadlineMs) flight.expire(this)
    else flight.tick(this, nowMs)
  }

  answer (identity: AnswerIdentity, reply: Reply): void {
    this.client.answer(identity, this.hasJoined ? { ...reply, headers: joinTexts(reply.headers, '\r\n', joinedLine) } : reply)
  }

  openStream ({ identity, status, headers, upstreamMicroseconds }: StreamHead): void {
    this.client.openStream(identity, status, this.hasJoined ? joinTexts(headers, '\r\n', joinedLine) : headers, upstreamMicroseconds)
  }

  fail (error: GatewayError, context: FailureContext): void {
    this.client.fail(error, this.hasJoined ? { ...context, headers: joinTexts(context.headers, '\r\n', joinedLine) } : context)
  }
}

/** A request of its own with the target of the run; attempts and tokens are booked with who pays. */
function settleShared (record: RequestRecord, { target, identity }: RequestRecord, outcome: 'ok' | ErrorCode): void {
  record.isShared = true
  record.target = target
  record.identity = identity
  record.settle(outcome, record.usage, 0)
}
