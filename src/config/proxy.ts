import { BlockList, isIP } from 'node:net'
import type { ProxySettings } from '../api/settings.ts'
import type { ProxyConfig } from './config-types.ts'
import type { Environment } from './environment.ts'
import type { ProviderContext } from './provider-context.ts'

interface ResolvedProxy {
  /** Null for a direct connection. */
  proxy: ProxySettings | null
  /** The kind of proxy that this version cannot use. */
  unsupported: string | null
}

const direct: ResolvedProxy = { proxy: null, unsupported: null }

/** The proxy of one provider. */
export function resolveProxy (config: ProxyConfig, baseUrl: string, context: ProviderContext): ResolvedProxy {
  const { environment, problems } = context
  const path = `${context.path}.proxy_config`
  switch (config.type) {
    case 'none': return direct
    case 'environment': return fromEnvironment(baseUrl, environment, (message) => problems.add({ path: `${path}.type`, value: '"environment"', message }))
    // Never a direct connection instead: that would show the provider an address it should not see.
    case 'socks5': return { proxy: null, unsupported: 'proxy_config.type socks5' }
    case 'http': {
      if (problems.has(`${path}.url`)) return direct
      const url = parseProxyUrl(config.url)
      if (url === null) {
        problems.add({ path: `${path}.url`, value: context.show(`${path}.url`, config.url), message: 'must be the http:// or https:// URL of the proxy' })
        return direct
      }
      const username = config.username || decode(url.username)
      const password = config.password || decode(url.password)
      return { proxy: { type: 'http', url: url.origin, username, password }, unsupported: null }
    }
  }
}

function fromEnvironment (baseUrl: string, environment: Environment, refuse: (message: string) => void): ResolvedProxy {
  if (!URL.canParse(baseUrl)) return direct
  const target = new URL(baseUrl)
  const names = target.protocol === 'https:' ? ['HTTPS_PROXY', 'ALL_PROXY'] : ['HTTP_PROXY', 'ALL_PROXY']
  const found = names
    .flatMap((name) => [name, name.toLowerCase()])
    .map((name) => ({ name, value: environment[name] ?? '' }))
    .find(({ value }) => value !== '')
  if (found === undefined || goesDirect(target, environment['NO_PROXY'] || environment['no_proxy'] || '')) return direct
  if (/^socks\w*:\/\//i.test(found.value)) return { proxy: null, unsupported: `a SOCKS proxy (${found.name})` }
  const url = parseProxyUrl(found.value.includes('://') ? found.value : `http://${found.value}`)
  if (url === null) {
    refuse(`the environment variable ${found.name} must be an http:// or https:// URL`)
    return direct
  }
  const proxy = { type: 'environment' as const, url: url.origin, username: decode(url.username), password: decode(url.password) }
  return { proxy, unsupported: null }
}

function parseProxyUrl (text: string): URL | null {
  const url = URL.canParse(text) ? new URL(text) : null
  return url !== null && (url.protocol === 'http:' || url.protocol === 'https:') ? url : null
}

/** User names and passwords in URLs are percent-encoded; a stray % stays what it is. */
function decode (text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** NO_PROXY as curl and Go read it: `*`, names with their subdomains, addresses, CIDR ranges, each with an optional port. */
function goesDirect (target: URL, noProxy: string): boolean {
  const host = target.hostname.replace(/^\[|\]$/g, '').toLowerCase()
  const port = target.port || (target.protocol === 'https:' ? '443' : '80')
  if (host === 'localhost' || host === '::1' || host.startsWith('127.')) return true
  return noProxy.split(/[\s,]+/).filter((entry) => entry !== '').some((entry) => {
    if (entry === '*') return true
    if (entry.includes('/')) return isInRange(host, entry)
    const [, name = '', entryPort] = /^\[?(.*?)\]?(?::(\d+))?$/.exec(isIP(entry) === 6 ? `[${entry}]` : entry.toLowerCase()) ?? []
    if (entryPort !== undefined && entryPort !== port) return false
    const bare = name.replace(/^\*?\./, '')
    return host === bare || (isIP(host) === 0 && host.endsWith(`.${bare}`))
  })
}

function isInRange (host: string, range: string): boolean {
  const [address = '', prefix = ''] = range.split('/')
  const family = isIP(host)
  const bits = Number(prefix)
  if (family === 0 || isIP(address) !== family || !/^\d+$/.test(prefix) || bits > (family === 6 ? 128 : 32)) return false
  const list = new BlockList()
  list.addSubnet(address, bits, family === 6 ? 'ipv6' : 'ipv4')
  return list.check(host, family === 6 ? 'ipv6' : 'ipv4')
}
