import type { Agent, RequestInit } from 'undici'
import type { ProxySettings } from '../api/settings.ts'
import { createConnector } from '../upstream/connector.ts'

export type Fetch = typeof globalThis.fetch

/** A proxy, and the way behind it, may take so long. Callers set their own limit for the whole. */
const connectTimeoutMs = 10_000

/**
 * `fetch` for what a provider's credentials need from other hosts, by the provider's proxy: past it there may be no way, and a token server should not
 * see an address that the provider must not see. Without a proxy, Node's own.
 */
export function createFetch (proxy: ProxySettings | null): Fetch {
  if (proxy === null) return globalThis.fetch
  let dispatcher: Agent | null = null
  return async (target, init) => {
    const { Agent, fetch } = await import('undici') // Here: few threads need so much of it.
    // A connector remembers a TLS session, and a resumed one is not checked for its name: each connection gets its own, as there may be several hosts.
    dispatcher ??= new Agent({ connect: (to, callback) => { createConnector({ timeout: connectTimeoutMs, allowH2: false }, proxy)(to, callback) } })
    try {
      return await fetch(target as string | URL, { ...init as RequestInit, dispatcher }) as unknown as Response
    } catch (error) {
      // Its own error only says that the fetch failed.
      throw (error as Error).cause ?? error
    }
  }
}
