import { RawClient } from '../../test/helpers/http-client.ts'
import type { ClientResponse } from '../../test/helpers/http-client.ts'
import { doneEvent, inBandError } from '../../test/helpers/sse.ts'
import { within } from '../../test/helpers/wait.ts'
import { providerNames } from './config.ts'
import { foreignNonceIn, toNonce } from './nonces.ts'

/** A whole answer, an error status, a stream that ends with an error, or a client that left. */
export type Ending = 'ok' | 'refused' | 'broken' | 'left'

/** What became of a request, to be compared with the gateway's log. */
export interface View { ending: Ending, status: number }

const tickMs = 10
/** Longer than any request may take: three timeouts of 2 s on each of three providers, and hedges. */
const patienceMs = 60_000
/** The gateway closes idle connections after 8 s. */
const idleMsMax = 4_000
const pairShare = 0.2
const problemsMax = 20

export class SoakTraffic {
  readonly views = new Map<string, View>()
  readonly totals: Record<Ending, number> = { ok: 0, refused: 0, broken: 0, left: 0 }
  /** How the first error of each kind looked. */
  readonly errors: Record<string, number> = {}
  readonly problems: string[] = []
  problemCount = 0
  sent = 0
  /** Whole streams whose first attempt had said something and broke off. */
  recovered = 0
  /** So many of the next requests are left by their clients. */
  leaversLeft = 0
  private readonly port: number
  private readonly random: () => number
  private readonly takeTorn: (nonce: string) => boolean
  private readonly idle: { client: RawClient, sinceMs: number }[] = []
  private readonly running = new Set<Promise<void>>()
  private timer: NodeJS.Timeout | null = null

  /** @param takeTorn says, once, whether a stream of that request broke off where it can be continued */
  constructor (port: number, random: () => number, takeTorn: (nonce: string) => boolean) {
    this.port = port
    this.random = random
    this.takeTorn = takeTorn
  }

  get open (): number { return this.running.size }

  /** At fixed times, whatever the answers. */
  start (requestsPerSecond: number): void {
    const startMs = performance.now()
    const before = this.sent
    this.timer = setInterval(() => {
      const due = Math.floor((performance.now() - startMs) / 1_000 * requestsPerSecond)
      while (this.sent - before < due) this.sendSome()
    }, tickMs)
  }

  /** Resolves when every request has ended and every connection is closed. */
  async stop (): Promise<void> {
    if (this.timer !== null) clearInterval(this.timer)
    this.timer = null
    await Promise.all(this.running)
    for (const { client } of this.idle.splice(0)) client.socket.destroy()
  }

  /** Ends the thread of the mock provider that gets it. */
  endThread (): void {
    this.send('mock/exit-thread', toNonce(this.sent), false, null)
  }

  private sendSome (): void {
    const { random } = this
    const provider = providerNames[Math.floor(random() * (providerNames.length - 0.5))] as string
    const nonce = toNonce(this.sent)
    const stream = random() < 0.5
    const leavesAfterMs = this.leaversLeft > 0 && this.leaversLeft-- > 0 ? random() * 60 : null
    this.send(`${provider}/m`, nonce, stream, leavesAfterMs)
    // The same again, so that they share an upstream request where single-flight is on.
    if (random() < pairShare) this.send(`${provider}/m`, nonce, stream, null)
  }

  private send (model: string, nonce: string, stream: boolean, leavesAfterMs: number | null): void {
    const id = `soak-${this.sent++}`
    const done = this.ask(id, { model, nonce, stream, leavesAfterMs }).then(
      (view) => {
        this.views.set(id, view)
        this.totals[view.ending]++
      },
      (error: unknown) => {
        this.problemCount++
        if (this.problems.length < problemsMax) this.problems.push(`${id} ${model} ${stream ? 'streamed' : 'unary'}: ${(error as Error).message}`)
      }
    ).finally(() => { this.running.delete(done) })
    this.running.add(done)
  }

  /** @throws Error when it does not end as a request may */
  private async ask (id: string, { model, nonce, stream, leavesAfterMs }: { model: string, nonce: string, stream: boolean, leavesAfterMs: number | null }): Promise<View> {
    const client = await this.takeClient()
    try {
      const head = client.chat(JSON.stringify({ model, stream, messages: [{ role: 'user', content: nonce }] }), { 'x-request-id': id })
      if (leavesAfterMs !== null) {
        setTimeout(() => { client.socket.resetAndDestroy() }, leavesAfterMs)
        await Promise.race([client.closed, head.catch(() => {})])
        await client.closed
        return { ending: 'left', status: 0 }
      }
      const response = await within(head, 'the head of an answer comes', patienceMs)
      if (await response.end(patienceMs) !== 'complete') throw new Error(`cut off: ${response.text.slice(-200)}`)
      const ending = endingOf(response, nonce, stream)
      if (ending === 'ok' && stream && this.takeTorn(nonce)) this.recovered++
      if (ending !== 'ok') this.countError(response, stream)
      if (response.headers['connection'] === 'close') client.socket.destroy()
      else this.idle.push({ client, sinceMs: performance.now() })
      return { ending, status: response.status }
    } catch (error) {
      client.socket.destroy()
      throw error
    }
  }

  private countError (response: ClientResponse, stream: boolean): void {
    const type = response.status === 200 && stream ? `${inBandError(response.text)?.type} in a stream` : `${response.status} ${response.json.error.type}`
    this.errors[type] = (this.errors[type] ?? 0) + 1
  }

  private async takeClient (): Promise<RawClient> {
    for (let next = this.idle.pop(); next !== undefined; next = this.idle.pop()) {
      if (!next.client.socket.destroyed && performance.now() - next.sinceMs < idleMsMax) return next.client
      next.client.socket.destroy()
    }
    return await RawClient.connect(this.port)
  }
}

/** @throws Error for what no client should ever see: part of an answer as if it were whole, somebody else's, no error where one should be */
function endingOf (response: ClientResponse, nonce: string, stream: boolean): Ending {
  const { status, text, headers } = response
  const fail = (what: string): never => { throw new Error(`${what}: ${status} ${text.slice(0, 500)} ... ${text.slice(-300)}`) }
  const foreign = foreignNonceIn(text, nonce)
  if (foreign !== null) return fail(`bytes of ${foreign} in the answer to ${nonce}`)
  if (status !== 200) return response.json.error.message.length > 0 ? 'refused' : fail('an error without a message')
  if (stream && inBandError(text) !== null) return text.includes(doneEvent) ? fail('an error and an end mark') : 'broken'
  const said = stream ? saidIn(text) : (response.json as unknown as { choices: { message: { content: string } }[] }).choices[0]?.message.content ?? ''
  const wanted = headers['x-bifrost-provider'] === 'mock' ? /^This is only a mock response/ : new RegExp(`^${nonce}${stream ? ' wörld' : ''}$`)
  if (!wanted.test(said)) return fail(`not the whole answer: ${said}`)
  return !stream || text.split(doneEvent).length === 2 ? 'ok' : fail('not one end mark')
}

function saidIn (text: string): string {
  return [...text.matchAll(/"delta":\{[^{}]*"content":("(?:[^"\\]|\\.)*")/g)].map(([, piece]) => JSON.parse(piece as string) as string).join('')
}
