import type { AnswerIdentity, Client, ClientWatcher, FailureContext } from '../../src/api/client.ts'
import type { Reply } from '../../src/api/reply.ts'
import { GatewayError } from '../../src/errors.ts'
import { checkEnding } from './ending-rules.ts'
import { endMark } from './sim-attempt.ts'
import type { SimAttempt } from './sim-attempt.ts'
import type { Ask, Ending, World } from './world.ts'

const takeBytes = 16 * 1024

/** A client that looks at every byte: whose it is, whether it comes in order, and that nothing comes after the end. */
export class SimClient implements Client {
  watcher: ClientWatcher | null = null
  private readonly world: World
  private readonly ask: Ask
  /** How long it takes for 16 KiB of a stream; 0: it takes all at once. */
  private readonly takeMs: number
  private attempt: SimAttempt | null = null
  private events = 0
  private marked = false
  private taking = false

  constructor (world: World, ask: Ask, takeMs: number) {
    this.world = world
    this.ask = ask
    this.takeMs = takeMs
  }

  answer (identity: AnswerIdentity, reply: Reply): void {
    const text = Buffer.from(reply.body).toString()
    const attempt = this.world.attempts[Number(/"attempt":(\d+)/.exec(text)?.[1] ?? -1)]
    this.check(!this.ask.stream, 'a stream is not answered with a body', text)
    this.check(attempt !== undefined && attempt.note.ask === this.ask && attempt.replyText === text && reply.spliceOffset === text.length - 1 && attempt.isComplete, 'an answer is whole and of this request', text)
    this.checkIdentity(identity, attempt)
    this.end('answered', 'ok')
  }

  openStream (identity: AnswerIdentity): void {
    const { ask } = this
    this.check(ask.stream && !ask.opened && ask.ending === null, 'a stream opens once and before its end', ask.ending ?? 'open')
    ask.opened = true
    this.checkIdentity(identity, ask.notes.find(({ answered }) => answered)?.attempt ?? undefined)
  }

  write (bytes: Uint8Array): void {
    const { ask, world } = this
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 40)).toString('latin1')
    this.check(ask.opened && ask.ending === null && !this.marked, 'nothing is written before a stream opens or after its end', text)
    if (text === endMark) this.marked = true
    else this.checkEvent(bytes, text)
    ask.heldBytes += bytes.length
    if (this.takeMs > 0) return this.take()
    ask.heldBytes = 0
    ask.takenAtMs = world.nowMs
    this.watcher?.onTaken(bytes.length)
  }

  closeStream (): void {
    const { attempt, events } = this
    this.check(this.marked && attempt !== null && attempt.isComplete && events === attempt.script.events, 'a stream that is closed as good is whole',
      `${events} of ${attempt?.script.events} events, ${this.marked ? 'with' : 'without'} an end mark, the upstream: ${attempt?.script.mood}`)
    this.end('closed', 'ok')
  }

  fail (error: GatewayError, context: FailureContext): void {
    this.check(error.code !== 'BIFROST_INTERNAL', 'no request fails with an internal error', String(error.cause instanceof Error ? error.cause.stack : error.message))
    this.check(!this.marked, 'no error follows an end mark', error.code)
    if (context.identity !== null && !this.ask.opened) {
      const provider = providerOf(context.identity)
      this.check(error.provider === null || error.provider === provider, 'an error names who it is of', `${error.code} of ${error.provider}, answer names ${provider}`)
    }
    this.end('failed', error.code)
  }

  /** The user closes the connection. */
  leave (code: 'BIFROST_CLIENT_CLOSED' | 'BIFROST_SLOW_CLIENT'): void {
    const { ask } = this
    // A stream that is over may still be on its way to a slow reader.
    if (ask.ending !== null) return this.watcher?.onGone(new GatewayError(code))
    ask.ending = 'gone'
    ask.code = code
    this.finish()
    this.watcher?.onGone(new GatewayError(code))
    checkEnding(this.world, ask)
  }

  private checkEvent (bytes: Uint8Array, text: string): void {
    const [, number = '-1', event = '-1'] = /^data: (\d+)\.(\d+) /.exec(text) ?? []
    const attempt = this.world.attempts[Number(number)]
    this.attempt ??= attempt ?? null
    this.check(attempt !== undefined && attempt === this.attempt && attempt.note.ask === this.ask, 'the events of a stream are of one attempt of this request', text)
    this.check(Number(event) === this.events, 'the events of a stream come in order and none is missing', `${event}, expected ${this.events}`)
    this.check(bytes.length === (attempt?.script.eventBytes ?? 0) + 2, 'an event is whole', `${bytes.length} bytes`)
    this.events++
  }

  private take (): void {
    const { ask } = this
    if (this.taking || ask.heldBytes === 0) return
    this.taking = true
    this.world.clock.after(this.takeMs, () => {
      this.taking = false
      if (ask.ending === 'gone') return
      const bytes = Math.min(ask.heldBytes, takeBytes)
      ask.heldBytes -= bytes
      ask.takenAtMs = this.world.nowMs
      this.watcher?.onTaken(bytes)
      this.take()
    })
  }

  private end (ending: Ending, code: Ask['code']): void {
    const { ask } = this
    this.check(ask.ending === null, 'a request ends once, and nothing comes after its client has left', `${ask.ending}, then ${ending}`)
    ask.ending = ending
    ask.code = code
    this.finish()
    checkEnding(this.world, ask)
  }

  private finish (): void {
    const { ask, world } = this
    ask.endedAtMs = world.nowMs
    world.open.delete(ask)
    world.unsettled = true
    world.note(`end ${ask.id}: ${ask.ending} ${ask.code}`)
  }

  private checkIdentity (identity: AnswerIdentity, attempt: SimAttempt | undefined): void {
    const provider = providerOf(identity)
    const index = Number(/^x-bifrost-fallback-index: (\d+)$/m.exec(identity.headers)?.[1] ?? 0)
    const model = /^x-bifrost-original-model: (.*)$/m.exec(identity.headers)?.[1]
    this.check(attempt !== undefined && attempt.note.provider.name === provider && this.ask.hops[index] === `${provider}/${model}`, 'an answer names who gave it',
      `${index} ${provider}/${model} of ${this.ask.hops.join(', ')}; it came from ${attempt?.note.provider.name}`)
  }

  private check (holds: boolean, rule: string, detail: string): void {
    if (!holds) this.world.violate(rule, detail, this.ask.id)
  }
}

function providerOf ({ headers }: AnswerIdentity): string | undefined {
  return /^x-bifrost-provider: (.*)$/m.exec(headers)?.[1]
}
