import type { AzureSettings } from '../../api/settings.ts'
import { GatewayError } from '../../errors.ts'

/** A token is replaced this long before it ends, in milliseconds; at half of its time when that is sooner. */
const refreshAheadMs = 300_000
const fetchTimeoutMs = 10_000

/** What tokens need of the outside world. */
export interface EntraWorld {
  fetch: (url: string, init: { method: 'POST', headers: Record<string, string>, body: string, signal: AbortSignal }) => Promise<{ status: number, text (): Promise<string> }>
  nowMs: () => number
}

/**
 * The Entra ID token of one key. States: none -> fetching (everybody waits for the same answer) -> held -> held and fetching
 * (near its end: the old one serves as long as it lasts) -> held. A fetch that fails leaves the state as it was before.
 */
export class EntraToken {
  private readonly settings: AzureSettings
  private readonly provider: string
  private readonly world: EntraWorld
  private token = ''
  private refreshAtMs = 0
  private expiresAtMs = 0
  /** The fetch that runs; null when none does. */
  private pending: Promise<string> | null = null

  constructor (settings: AzureSettings, provider: string, world: EntraWorld) {
    this.settings = settings
    this.provider = provider
    this.world = world
  }

  /** @throws GatewayError 401 when Entra ID refuses, BIFROST_UPSTREAM_CONNECT when it cannot be asked */
  get (): string | Promise<string> {
    const nowMs = this.world.nowMs()
    if (nowMs < this.refreshAtMs) return this.token
    this.pending ??= this.refresh()
    if (nowMs >= this.expiresAtMs) return this.pending
    // The token lasts a little longer: whoever comes after its end sees the failure.
    this.pending.catch(() => {})
    return this.token
  }

  private async refresh (): Promise<string> {
    try {
      const { token, lifetimeMs } = await this.fetch()
      const nowMs = this.world.nowMs()
      this.token = token
      this.expiresAtMs = nowMs + lifetimeMs
      this.refreshAtMs = this.expiresAtMs - Math.min(refreshAheadMs, lifetimeMs / 2)
      return token
    } finally {
      this.pending = null
    }
  }

  private async fetch (): Promise<{ token: string, lifetimeMs: number }> {
    const { authority, tenantId, clientId, clientSecret, scopes } = this.settings
    const { provider } = this
    const body = new URLSearchParams({ grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret, scope: scopes.join(' ') })
    let status: number
    let text: string
    try {
      const response = await this.world.fetch(`${authority}/${encodeURIComponent(tenantId)}/oauth2/v2.0/token`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
        body: body.toString(),
        signal: AbortSignal.timeout(fetchTimeoutMs)
      })
      status = response.status
      text = await response.text()
    } catch (cause) {
      throw new GatewayError('BIFROST_UPSTREAM_CONNECT', { provider, message: `${provider} could not ask Entra ID at ${authority} for a token.`, cause })
    }
    const answer = parseAnswer(text)
    if (status === 200 && typeof answer['access_token'] === 'string' && answer['access_token'] !== '') {
      const seconds = Number(answer['expires_in'])
      return { token: answer['access_token'], lifetimeMs: Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : 0 }
    }
    if (status >= 500 || status === 429) throw new GatewayError('BIFROST_UPSTREAM_CONNECT', { provider, message: `Entra ID answered with status ${status} when ${provider} asked for a token.` })
    throw new GatewayError('BIFROST_UPSTREAM_STATUS', { provider, status: 401, type: 'authentication_error', upstreamCode: textOf(answer['error']) ?? 'invalid_token_answer', message: `Entra ID gave no token: ${textOf(answer['error_description'])?.split(/[\r\n]/)[0] ?? `status ${status}`}` })
  }
}

function parseAnswer (text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value as Record<string, unknown> : {}
  } catch {
    return {}
  }
}

function textOf (value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
