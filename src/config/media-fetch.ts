import type { MediaFetchSettings, ProviderSettings } from '../api/settings.ts'
import type { ProblemList } from './config-error.ts'
import type { MediaFetch, ProxyConfig } from './config-types.ts'
import type { ProviderContext } from './provider-context.ts'
import { secondsToMs } from './seconds.ts'

const bytesPerMib = 1024 * 1024

/** Kinds that take some or all media only as bytes; the others fetch addresses themselves. */
const byteKinds: ReadonlySet<ProviderSettings['kind']> = new Set(['bedrock', 'gemini', 'ollama', 'vertex'])

/** A host, an address or an IPv6 address in brackets, and a port or none. */
const hostAndPort = /^(\[[0-9a-f:.]+\]|[^\s:/?#@[\]\\%]+)(?::(\d{1,5}))?$/i

export function resolveMediaFetch (config: MediaFetch, show: (path: string, value: unknown) => string, problems: ProblemList): MediaFetchSettings | null {
  const allowedHosts = config.allowed_hosts.flatMap((entry, index) => {
    const host = parseHost(entry)
    if (host !== null) return [host]
    const path = `client.media_fetch.allowed_hosts[${index}]`
    problems.add({ path, value: show(path, entry), message: 'must be a host like "media.example.com" or "10.0.0.7:9000", without http:// and without a path' })
    return []
  })
  if (!config.enabled) return null
  return {
    refusedReason: null,
    allowedHosts,
    fileBytesMax: Math.floor(config.max_file_size_mb * bytesPerMib),
    timeoutMs: secondsToMs(config.timeout_in_seconds)
  }
}

/** @returns the host as `URL` writes it, so that it can be compared; null for none */
function parseHost (entry: string): string | null {
  const [, host = '', port] = hostAndPort.exec(entry) ?? []
  if (host === '' || !URL.canParse(`http://${host}`) || Number(port ?? 1) > 65_535 || Number(port ?? 1) === 0) return null
  const { hostname } = new URL(`http://${host}`)
  return port === undefined ? hostname : `${hostname}:${Number(port)}`
}

/** What one provider makes of it. */
export function mediaFetchOf (kind: ProviderSettings['kind'], proxy: ProxyConfig, { mediaFetch, path }: ProviderContext): MediaFetchSettings | null {
  if (mediaFetch === null || !byteKinds.has(kind)) return null
  // A direct connection to the host of the media would get around the way out that the operator has chosen.
  return proxy.type === 'none' ? mediaFetch : { ...mediaFetch, refusedReason: `${path}.proxy_config is set` }
}
