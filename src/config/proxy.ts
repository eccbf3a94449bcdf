import { BlockList, isIP } from 'node:net'
import type { ProxySettings } from '../api/settings.ts'
import type { ProxyConfig } from './config-types.ts'
import type { Environment } from './environment.ts'
import type { ProviderContext } from './provider-context.ts'

/** By `proxy_config.type`. The environment may name either. */
const protocolsOf: Readonly<Record<'http' | 'socks5' | 'environment', readonly string[]>> = {
  http: ['http:', 'https:'],
  socks5: ['socks5:', 'socks5h:'],
  environment: ['http:', 'https:', 'socks5:', 'socks5h:']
}
const kinds = { http: 'http:// or https:// URL', socks5: 'socks5:// URL', environment: 'http://, https:// or socks5:// URL' }

/** The proxy of one provider; null for a direct connection. */
export function resolveProxy (config: ProxyConfig, baseUrl: string, context: ProviderContext): ProxySettings | null {
  const { environment, problems } = context
  const path = `${context.path}.proxy_config`
  switch (config.type) {
    case 'none': return null
    case 'environment': return fromEnvironment(config, baseUrl, environment, (message) => problems.add({ path: `${path}.type`, value: '"environment"', message }))
    case 'http':
    case 'socks5': {
      if (problems.has(`${path}.url`)) return null
      const url = parseProxyUrl(config.url, config.type)
      if (url === null) {
        problems.add({ path: `${path}.url`, value: context.show(`${path}.url`, config.url), message: `must be the ${kinds[config.type]} of the proxy` })
        return null
      }
      return toProxy(url, config, config.username || decode(url.username), config.password || decode(url.password))
    }
  }
}

function fromEnvironment (config: ProxyConfig, baseUrl: string, environment: Environment, refuse: (message: string) => void): ProxySettings | null {
  if (!URL.canParse(baseUrl)) return null
  const target = new URL(baseUrl)
  const names = target.protocol === 'https:' ? ['HTTPS_PROXY', 'ALL_PROXY'] : ['HTTP_PROXY', 'ALL_PROXY']
  const found = names
    .flatMap((name) => [name, name.toLowerCase()])
    .map((name) => ({ name, value: environment[name] ?? '' }))
    .find(({ value }) => value !== '')
  if (found === undefined || goesDirect(target, environment['NO_PROXY'] || environment['no_proxy'] || '')) return null
  const url = parseProxyUrl(found.value.includes('://') ? found.value : `http://${found.value}`, 'environment')
  if (url === null) {
    // Never a direct connection instead: that would show the provider an address it should not see.
    refuse(`the environment variable ${found.name} must be an ${kinds.environment}`)
    return null
  }
  return toProxy(url, config, decode(url.username), decode(url.password))
}

/** Both spellings of SOCKS 5 mean the same here: names are the proxy's to resolve. */
function toProxy (url: URL, { ca_cert_pem: caCertPem }: ProxyConfig, username: string, password: string): ProxySettings {
  return { url: `${url.protocol.replace('socks5h', 'socks5')}//${url.host}`, username, password, caCertPem }
}

function parseProxyUrl (text: string, type: keyof typeof protocolsOf): URL | null {
  const url = URL.canParse(text) ? new URL(text) : null
  return url !== null && url.host !== '' && protocolsOf[type].includes(url.protocol) ? url : null
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
