import { GatewayError } from '../../errors.ts'
import { createTokenFetcher } from './access-token.ts'
import type { AccessToken } from './access-token.ts'

/** How long before it expires a token is replaced, so that none expires on its way. */
const renewBeforeMs = 60_000
/** Longest wait for a token: the library has no limit of its own, and everybody who comes waits for the one fetch that runs. */
const fetchTimeoutMs = 10_000
/** For a token whose end nobody said; Google's live for an hour. */
const unknownLifeMs = 300_000

/** What tokens need of the outside world. */
export interface TokenWorld {
  /** Null: the library's own. It is never used for the metadata server of the machine. */
  fetch: typeof fetch | null
  /** Milliseconds since 1970. */
  nowMs: () => number
}

/**
 * The access token of one key. It is kept until shortly before it expires; who comes while a new one is on its way waits for that one.
 * States: none (`token` null or about to expire, `pending` null), fetching (`pending` set), valid (`token` good for a while).
 */
export class TokenSource {
  private readonly provider: string
  private readonly keyName: string
  private readonly credentials: string
  private readonly world: TokenWorld
  private readonly timeoutMs: number
  private token: AccessToken | null = null
  private pending: Promise<string> | null = null
  private fetchToken: (() => Promise<AccessToken>) | null = null

  constructor (provider: string, keyName: string, credentials: string, world: TokenWorld, timeoutMs = fetchTimeoutMs) {
    this.provider = provider
    this.keyName = keyName
    this.credentials = credentials
    this.world = world
    this.timeoutMs = timeoutMs
  }

  /** @throws GatewayError (rejects) when none can be had */
  get (): string | Promise<string> {
    if (this.token !== null && this.world.nowMs() < this.token.expiresAtMs - renewBeforeMs) return this.token.value
    this.pending ??= this.fetch().finally(() => { this.pending = null })
    return this.pending
  }

  private async fetch (): Promise<string> {
    try {
      this.fetchToken ??= await createTokenFetcher(this.credentials, this.world.fetch)
      const { value, expiresAtMs } = await withinTime(this.fetchToken(), this.timeoutMs)
      this.token = { value, expiresAtMs: expiresAtMs === 0 ? this.world.nowMs() + unknownLifeMs : expiresAtMs }
      return value
    } catch (cause) {
      // The library's client would go on waiting for the fetch that hangs; the next one gets a client of its own.
      this.fetchToken = null
      throw this.toError(cause)
    }
  }

  /** A server that does not answer says nothing about the key. */
  private toError (cause: unknown): GatewayError {
    const { status, code, message } = cause as { status?: number, code?: unknown, message?: unknown }
    const answered = typeof status === 'number' ? status : typeof code === 'number' ? code : 0
    const text = `No access token for key ${this.keyName} of ${this.provider}: ${String(message)}`
    const isTransient = answered >= 500 || answered === 429 || (answered === 0 && typeof code === 'string' && /^(?:E[A-Z]+|UND_ERR_\w+)$/.test(code))
    if (isTransient) return new GatewayError('BIFROST_UPSTREAM_CONNECT', { provider: this.provider, message: text, cause })
    return new GatewayError('BIFROST_UPSTREAM_STATUS', { status: 401, provider: this.provider, type: 'authentication_error', message: text, cause })
  }
}

/** @throws an error as of a connection that timed out */
async function withinTime<Value> (promise: Promise<Value>, timeoutMs: number): Promise<Value> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => { reject(Object.assign(new Error(`no answer within ${timeoutMs} ms`), { code: 'ETIMEDOUT' })) }, timeoutMs)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
