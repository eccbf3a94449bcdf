import type { Socket } from 'node:net'
import { faultKinds } from '../../test/helpers/fault-draw.ts'
import { FaultUpstream } from '../../test/helpers/fault-upstream.ts'
import type { FaultExchange, Script } from '../../test/helpers/fault-upstream.ts'
import { errorBodies, faults } from '../../test/helpers/faults.ts'
import { contentEvent, wholeReply } from '../../test/helpers/sse.ts'
import { nonceIn } from './nonces.ts'

type Random = () => number

const between = (random: Random, low: number, high: number): number => low + Math.floor(random() * (high - low))
const isStream = ({ json }: FaultExchange): boolean => json.stream === true

/** Part of an answer, then the end of the connection; a stream has said something by then. */
const cut = (random: Random): Script => {
  const stream = faults.cut(contentEvent('Hello'), random() < 0.5 ? 'chunked' : 'close')
  const unary = faults.resetMidBody(wholeReply.slice(0, 40))
  return (exchange) => (isStream(exchange) ? stream : unary)(exchange)
}

/** What goes wrong with an upstream, by name. All good answers of these say the same, so a part of one is told from the whole. */
const upstreamFaults = {
  429: () => faults.status(429),
  '429-retry-after': () => faults.status(429, { 'retry-after': '1' }),
  500: () => faults.status(500),
  503: () => faults.status(503),
  html: () => faults.html502(),
  'error-in-200': (random) => faults.errorInside200(errorBodies[random() < 0.5 ? 500 : 429]),
  'reset-before-head': () => faults.resetBeforeHead(),
  'reset-after-head': () => faults.resetAfterHead(),
  'close-before-head': () => faults.closeBeforeHead(),
  'bad-chunk': () => faultKinds['bad-chunk'].draw(),
  cut,
  silence: () => faults.silent(),
  stall: () => (exchange) => (isStream(exchange) ? faults.stall(contentEvent('Hello')) : faults.silent())(exchange),
  slow: (random) => faults.latency(between(random, 300, 1_500)),
  bandwidth: (random) => faults.bandwidth(between(random, 1_000, 10_000)),
  slicer: (random) => faultKinds.slicer.draw(random)
} as const satisfies Record<string | number, (random: Random) => Script>

export type UpstreamFault = keyof typeof upstreamFaults
export const upstreamFaultNames = Object.keys(upstreamFaults) as UpstreamFault[]

/** An upstream that answers well, but for the next few requests after `harm`. */
export class SoakUpstream {
  /** Requests whose stream was cut or stalled here after its first words. */
  readonly torn = new Set<string>()
  private readonly upstream: FaultUpstream
  private readonly random: Random
  private readonly sockets = new Set<Socket>()
  private fault: UpstreamFault | null = null
  private faultsLeft = 0

  constructor (random: Random) {
    this.random = random
    this.upstream = new FaultUpstream((exchange) => this.serve(exchange))
  }

  get port (): number { return this.upstream.port }
  get inFlight (): number { return this.upstream.inFlight }
  get requestCount (): number { return this.upstream.requestCount }

  listen (): Promise<void> { return this.upstream.listen() }
  /** @throws what went wrong in here */
  close (): Promise<void> { return this.upstream.close() }

  harm (fault: UpstreamFault, requests: number): void {
    this.fault = fault
    this.faultsLeft = requests
  }

  /** Nobody asks any more: connections that are kept for the next request go. */
  closeConnections (): void {
    for (const socket of this.sockets) socket.destroy()
  }

  private serve (exchange: FaultExchange): void | Promise<void> {
    const { socket } = exchange
    if (!this.sockets.has(socket)) {
      this.sockets.add(socket)
      socket.once('close', () => { this.sockets.delete(socket) })
    }
    const nonce = nonceIn(exchange.request.body.toString('latin1'))
    exchange.mark = nonce
    if (this.fault === null || this.faultsLeft-- <= 0) return faults.jitter(5, 20, this.random)(exchange)
    if ((this.fault === 'cut' || this.fault === 'stall') && isStream(exchange)) this.torn.add(nonce)
    return upstreamFaults[this.fault](this.random)(exchange)
  }
}
