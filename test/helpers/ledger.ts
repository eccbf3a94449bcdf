import assert from 'node:assert/strict'
import type { Script } from './fault-upstream.ts'

/** How a request ended for its client: with a whole answer, an error status, a stream that ends with an error, or by leaving. */
export type ClientEnding = 'ok' | 'refused' | 'broken' | 'left'

/** What the client saw of one request. */
export interface ClientView {
  ending: ClientEnding
  status: number
  /** `x-bifrost-provider`; empty when it does not say. */
  servedBy: string
  /** Head and body. */
  text: string
}

interface LogLine { requestId: string, status: number, outcome: string, provider: string, attempts?: number, hedges?: string[] }

interface Entry {
  views: ClientView[]
  lines: LogLine[]
  /** Names of the upstreams that were asked, in order. */
  attempts: string[]
}

/** As long as `Hello`, for which it stands in answers. */
const nonce = /Z0[0-9A-Z]{3}/g
const noncesMax = 36 ** 3

/**
 * Joins what the client, the gateway's log and the upstreams saw of each request. The nonce of a request is its `x-request-id`, its prompt
 * and what the upstream answers to it; whatever carries somebody else's is a mix-up.
 */
export class Ledger {
  private readonly entries = new Map<string, Entry>()

  /** @returns the nonce of a new request */
  issue (): string {
    assert.ok(this.entries.size < noncesMax)
    const text = `Z0${this.entries.size.toString(36).padStart(3, '0').toUpperCase()}`
    this.entries.set(text, { views: [], lines: [], attempts: [] })
    return text
  }

  /** Around the script of an upstream. */
  watch (upstream: string, script: Script): Script {
    return (exchange) => {
      const [mark, ...others] = new Set(exchange.request.body.toString('utf8').match(nonce))
      assert.ok(mark !== undefined && others.length === 0, `an upstream was asked with the nonces ${mark} ${others.join(' ')}`)
      this.entry(mark).attempts.push(upstream)
      exchange.mark = mark
      return script(exchange)
    }
  }

  settle (mark: string, view: ClientView): void {
    this.entry(mark).views.push(view)
  }

  /** @param text the gateway's log as JSON lines */
  readLog (text: string): void {
    for (const line of text.split('\n')) {
      if (!line.includes('"msg":"request"')) continue
      const parsed = JSON.parse(line) as LogLine
      this.entries.get(parsed.requestId)?.lines.push(parsed)
    }
  }

  /** @throws AssertionError that names the request and what is wrong with it */
  check ({ attemptsMax }: { attemptsMax: number }): void {
    for (const [mark, entry] of this.entries) {
      const problem = problemOf(mark, entry, attemptsMax)
      assert.equal(problem, null, `${mark}: ${problem} ${JSON.stringify(entry)}`)
    }
  }

  /** Endings by name, and attempts of all requests. */
  totals (): Record<ClientEnding | 'attempts', number> {
    const totals = { ok: 0, refused: 0, broken: 0, left: 0, attempts: 0 }
    for (const { views, attempts } of this.entries.values()) {
      totals.attempts += attempts.length
      for (const { ending } of views) totals[ending]++
    }
    return totals
  }

  private entry (mark: string): Entry {
    const entry = this.entries.get(mark)
    assert.ok(entry !== undefined, `nobody asked with the nonce ${mark}`)
    return entry
  }
}

function problemOf (mark: string, { views, lines, attempts }: Entry, attemptsMax: number): string | null {
  const [view] = views
  if (view === undefined || views.length > 1) return `${views.length} endings for the client`
  if (attempts.length > attemptsMax) return 'too many attempts'
  const foreign = view.text.match(nonce)?.find((found) => found !== mark)
  if (foreign !== undefined) return `the answer has bytes of ${foreign}`
  const [line] = lines
  // Who left may have done so before the gateway knew what was asked.
  if (line === undefined && view.ending === 'left') return null
  if (line === undefined || lines.length > 1) return `${lines.length} lines in the log`
  const hedges = line.hedges?.length ?? 0
  if (attempts.length > (line.attempts ?? 1) + hedges) return 'the upstreams saw attempts that the gateway does not know of'
  if (view.ending === 'left') return null
  if (line.status !== view.status) return 'the log has another status'
  if ((line.outcome === 'ok') !== (view.ending === 'ok')) return 'the log has another outcome'
  if (view.ending !== 'ok') return null
  if (!view.text.includes(mark)) return 'the answer does not belong to the request'
  // Of two attempts at once, the one that began first may have been the faster one.
  const mayHaveServed = hedges === 0 ? attempts.slice(-1) : attempts
  return line.provider === view.servedBy && mayHaveServed.includes(view.servedBy) ? null : 'it is not clear who served'
}
