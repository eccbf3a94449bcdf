import { doneEvent } from '../../test/helpers/sse.ts'
import { RawClient } from '../../test/helpers/http-client.ts'

/** Per second, half of them streams. */
const requestsPerSecond = 100
const tickMs = 20

export interface VisitorTotals {
  sent: number
  whole: number
  /** What was wrong with the others. */
  problems: string[]
  /** Streams under way when the provider was removed, one number per removal. */
  openAtRemoval: number[]
}

/**
 * Traffic of a provider that comes and goes: requests are sent only while it is configured, each for a model of its own that the answer
 * must name, and what has begun must end whole although the provider is removed meanwhile.
 */
export class VisitorLoad {
  readonly totals: VisitorTotals = { sent: 0, whole: 0, problems: [], openAtRemoval: [] }
  private readonly port: number
  private readonly timer: NodeJS.Timeout
  private readonly begins = new Set<Promise<void>>()
  private readonly running = new Set<Promise<void>>()
  private isConfigured = false

  constructor (port: number) {
    this.port = port
    this.timer = setInterval(() => {
      for (let count = 0; this.isConfigured && count < requestsPerSecond * tickMs / 1_000; count++) this.send()
    }, tickMs)
  }

  /** The provider is there. */
  start (): void { this.isConfigured = true }

  /** Call before the provider is removed: no more requests, and those sent have reached the gateway when this resolves. */
  async pause (): Promise<void> {
    if (!this.isConfigured) return
    this.isConfigured = false
    await Promise.all(this.begins)
    this.totals.openAtRemoval.push(this.running.size)
  }

  /** Resolves when every request has ended. */
  async stop (): Promise<void> {
    await this.pause()
    clearInterval(this.timer)
    await Promise.all(this.running)
  }

  private send (): void {
    const number = this.totals.sent++
    const model = `visit-${number}`
    const stream = number % 2 === 0
    const track = (set: Set<Promise<void>>, promise: Promise<void>): void => {
      const done = promise.finally(() => { set.delete(done) })
      set.add(done)
    }
    let onBegun = (): void => {}
    track(this.begins, new Promise((resolve) => { onBegun = resolve }))
    track(this.running, this.ask(model, stream, onBegun).then(
      (problem) => {
        if (problem === null) this.totals.whole++
        else this.totals.problems.push(`${model}: ${problem}`)
      },
      (error: unknown) => { this.totals.problems.push(`${model}: ${String(error)}`) }
    ).finally(() => { onBegun() }))
  }

  /** @returns what is wrong with the answer, null when nothing is */
  private async ask (model: string, stream: boolean, onBegun: () => void): Promise<string | null> {
    const client = await RawClient.connect(this.port)
    try {
      const response = await client.chat(JSON.stringify({ model: `visitor/${model}`, stream, messages: [{ role: 'user', content: 'Still there?' }] }))
      onBegun()
      const ending = await response.end()
      const { status, text } = response
      if (status !== 200 || ending !== 'complete') return `${status} ${ending} ${text.slice(0, 200)}`
      if (!text.includes(`"model":"${model}"`)) return `the answer names another model: ${text.slice(0, 200)}`
      return !stream || text.endsWith(doneEvent) ? null : `the stream ends with ${text.slice(-200)}`
    } finally {
      client.socket.destroy()
    }
  }
}
