import type { AnswerIdentity, Client, FailureContext, GatewayRequest } from './api/client.ts'
import { JsonScanError, scanJsonObject } from './api/json-scan.ts'
import type { Reply } from './api/reply.ts'
import type { ProviderSettings } from './api/settings.ts'
import { cutEvent, printEvent, readEvent } from './api/stream-event.ts'
import type { StreamEvent } from './api/stream-event.ts'
import { GatewayError } from './errors.ts'
import { outcomeTable } from './router/outcomes.ts'
import type { Outcome } from './router/outcomes.ts'
import type { Failure } from './router/plan.ts'
import type { Target } from './router/target.ts'

/** Attempts of one request that may go on with its stream, those included that fail before they say anything. */
const continuationsMax = 3

/** An attempt that is to go on with a stream, as the stream sees it. */
export interface Continuation {
  readonly target: Target
  /** The client has taken so many bytes, or will never take them because it has what they say. */
  credit (bytes: number): void
  /** What it says is of no use: it ends, and counts as failed. */
  reject (error: GatewayError): void
}

/** @returns null where a stream that breaks cannot be continued: recovery is off, or the operation has no text to compare */
export function createRecovery (request: GatewayRequest, provider: ProviderSettings, client: Client): RecoverableStream | null {
  const { dialect, operation, passthroughTo } = request
  // What goes through unread is not put together again.
  if (passthroughTo !== null) return null
  if (!provider.streamRecovery.enabled || dialect !== 'openai' || (operation !== 'chat_completion' && operation !== 'text_completion')) return null
  return new RecoverableStream(request, provider.streamRecovery.textBytesMax, client)
}

/**
 * A client's stream that several attempts may feed, one after the other, so that the client sees one. States: relaying
 * (events go to the client, their text is kept) -> `mayContinue` (the attempt broke) -> `continueOn` -> catching up (what the
 * next attempt says is compared with the text and dropped as long as it agrees) -> relaying again, or diverged.
 * An attempt that was given the text so far has nothing to catch up with. Costs one `JSON.parse` per event on the front thread.
 */
export class RecoverableStream implements Client {
  private readonly request: GatewayRequest
  private readonly client: Client
  private readonly textBytesMax: number
  private opened = false
  private relaying = true
  /** Once false it stays so: something was sent that cannot be compared, or that ends the text. */
  private recoverable = true
  /** What the client has been sent; empty when not recoverable. */
  private text = ''
  private textBytes = 0
  /** How much of it the attempt has said again, in UTF-16 units; compared without regard to how events cut it. */
  private caughtUp = 0
  private continuations = 0
  /** The latest one; null as long as the first one is relayed. */
  private attempt: Continuation | null = null
  /** Of the latest attempt that the client has seen something of. */
  private failure: Failure | null = null
  /** Sent to the client, but not taken by it. */
  private openBytes = 0
  /** The part of them that earlier attempts sent: the one that runs must not be credited for it. */
  private formerBytes = 0

  constructor (request: GatewayRequest, textBytesMax: number, client: Client) {
    this.request = request
    this.textBytesMax = textBytesMax
    this.client = client
  }

  answer (identity: AnswerIdentity, reply: Reply): void {
    this.client.answer(identity, reply)
  }

  /** The head of the first attempt is the only one that the client sees. */
  openStream (identity: AnswerIdentity, status: number, upstreamHeaders: string, upstreamMicroseconds: number): void {
    if (this.opened) return
    this.opened = true
    this.client.openStream(identity, status, upstreamHeaders, upstreamMicroseconds)
  }

  write (bytes: Uint8Array): void {
    if (!this.relaying) return this.catchUp(bytes)
    for (let start = 0; this.recoverable && start < bytes.length;) {
      const { end, data } = cutEvent(bytes, start)
      this.keep(readEvent(data))
      start = end
    }
    this.pass(bytes)
  }

  closeStream (): void {
    this.client.closeStream()
  }

  fail (error: GatewayError, context: FailureContext): void {
    this.client.fail(error, context)
  }

  /** Whether another attempt may go on after this failure of one; the plan says which. */
  mayContinue ({ provider }: Target, failure: Failure, outcome: Outcome): boolean {
    if (this.relaying) {
      const { isFailure, fallsBack } = outcomeTable[outcome]
      this.failure = failure
      if (!isFailure || !fallsBack || !provider.streamRecovery.enabled || !asksForOneChoice(this.request.body)) this.giveUp()
    }
    return this.recoverable && this.continuations++ < continuationsMax
  }

  /**
   * This attempt is to go on with the stream.
   * @returns the text that it continues, as the assistant's last message; null when it starts anew
   */
  continueOn (attempt: Continuation): string | null {
    const isGiven = attempt.target.provider.streamRecovery.prefill && this.request.operation === 'chat_completion' && this.text !== '' && this.text.isWellFormed()
    this.attempt = attempt
    this.relaying = false
    this.caughtUp = isGiven ? this.text.length : 0
    this.formerBytes = this.openBytes
    return isGiven ? this.text : null
  }

  /** What the client is told when nothing more can be tried: how the stream broke that it saw, not how the attempts to mend it ended. */
  toFailure (last: Failure): Failure {
    return this.failure === null || last.error.code === 'BIFROST_INTERNAL' ? last : this.failure
  }

  /** @returns how much of what the client has taken is of the attempt that runs */
  toCredit (takenBytes: number): number {
    const former = Math.min(this.formerBytes, takenBytes)
    this.openBytes -= takenBytes
    this.formerBytes -= former
    return takenBytes - former
  }

  private pass (bytes: Uint8Array): void {
    this.openBytes += bytes.length
    this.client.write(bytes)
  }

  private keep ({ text, isEnd, hasOther }: StreamEvent): void {
    this.textBytes += Buffer.byteLength(text)
    if (isEnd || hasOther || this.textBytes > this.textBytesMax) this.giveUp()
    else this.text += text
  }

  private giveUp (): void {
    this.recoverable = false
    this.text = ''
  }

  /** Drops events that say what the client has. The first one that says more is printed anew, with what is new in it. */
  private catchUp (bytes: Uint8Array): void {
    for (let start = 0; start < bytes.length;) {
      const { end, data } = cutEvent(bytes, start)
      const event = readEvent(data)
      const agreed = commonLength(this.text, this.caughtUp, event.text)
      this.caughtUp += agreed
      if (agreed < event.text.length || event.isEnd || event.hasOther) {
        if (this.caughtUp < this.text.length) return this.attempt?.reject(this.toDivergedError(this.attempt.target.provider.name))
        return this.relayFrom(bytes, start, end, event, event.text.slice(agreed))
      }
      start = end
    }
    this.attempt?.credit(bytes.length)
  }

  private relayFrom (bytes: Uint8Array, start: number, end: number, event: StreamEvent, text: string): void {
    this.relaying = true
    this.keep({ ...event, text })
    const printed = event.body === null ? bytes.subarray(start, end) : printEvent(event, text)
    // What is printed may be longer as well, by an escape or two.
    this.attempt?.credit(end - printed.length)
    this.pass(printed)
    if (end < bytes.length) this.write(bytes.subarray(end))
  }

  private toDivergedError (provider: string): GatewayError {
    // Half a pair that differs is the whole character's difference.
    const agreed = this.text.slice(0, this.caughtUp).replace(/[\ud800-\udbff]$/, '')
    return new GatewayError('BIFROST_STREAM_DIVERGED', {
      provider,
      message: `${provider} was to go on with a stream that broke, but its answer differs from what the client has, from byte ${Buffer.byteLength(agreed)} on.`
    })
  }
}

/** @returns how far `said` agrees with `known` from `at` on */
function commonLength (known: string, at: number, said: string): number {
  if (known.startsWith(said, at)) return said.length
  let length = 0
  while (at + length < known.length && known.charCodeAt(at + length) === said.charCodeAt(length)) length++
  return length
}

/** Looked up in the body only when a stream has broken: until then one choice is as good as any. */
function asksForOneChoice (body: Buffer): boolean {
  try {
    const member = scanJsonObject(body, ['n']).members.get('n')
    return member === undefined || ['1', 'null'].includes(body.toString('utf8', member.valueStart, member.valueEnd))
  } catch (error) {
    // Twice the same key: nobody can say which one counts.
    if (error instanceof JsonScanError) return false
    throw error
  }
}
