import { BlockList, isIP } from 'node:net'

/** A URL that may be asked, or why not, in words that follow "since". */
export type UrlVerdict = { url: URL, isTrusted: boolean } | { problem: string }

/** Where web servers listen; other ports belong to databases, mail and whatever else must not be spoken to. */
const ports: ReadonlySet<number> = new Set([80, 443, 8080, 8443])
const urlLengthMax = 8_192

const reservedIpv4 = new BlockList()
for (const [address, prefix] of [
  ['0.0.0.0', 8], // this network
  ['10.0.0.0', 8], // private
  ['100.64.0.0', 10], // carrier-grade NAT; Alibaba's metadata service
  ['127.0.0.0', 8], // loopback
  ['168.63.129.16', 32], // Azure's platform services, which look public
  ['169.254.0.0', 16], // link-local; most metadata services
  ['172.16.0.0', 12], // private
  ['192.0.0.0', 24], // protocol assignments; Oracle's metadata service
  ['192.0.2.0', 24], // documentation
  ['192.88.99.0', 24], // relays of 6to4
  ['192.168.0.0', 16], // private
  ['198.18.0.0', 15], // benchmarks
  ['198.51.100.0', 24], // documentation
  ['203.0.113.0', 24], // documentation
  ['224.0.0.0', 4], // multicast
  ['240.0.0.0', 4] // reserved; broadcast
] as const) reservedIpv4.addSubnet(address, prefix, 'ipv4')

/** Everything public is in here: loopback, link-local, unique local, mapped, compatible and NAT64 addresses are not. */
const globalIpv6 = new BlockList()
globalIpv6.addSubnet('2000::', 3, 'ipv6')

const reservedIpv6 = new BlockList()
for (const [address, prefix] of [
  ['2001::', 23], // protocol assignments; Teredo, which holds an IPv4 address
  ['2001:db8::', 32], // documentation
  ['2002::', 16], // 6to4, which holds an IPv4 address
  ['3fff::', 20] // documentation
] as const) reservedIpv6.addSubnet(address, prefix, 'ipv6')

/** Names without a dot are searched for in the gateway's own network; names with these ends mean something there, too. */
const localSuffix = /\.(?:localhost|local|localdomain|internal|intranet|private|corp|home|lan|home\.arpa)$/

/** Whether an address is one of the internet at large, and of nothing that is special to a network or a cloud. */
export function isPublicAddress (address: string): boolean {
  switch (isIP(address)) {
    case 4: return !reservedIpv4.check(address, 'ipv4')
    case 6: return globalIpv6.check(address, 'ipv6') && !reservedIpv6.check(address, 'ipv6')
    default: return false
  }
}

/** The host as sockets and resolvers write it: IPv6 addresses without their brackets. */
export function hostOf (url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '')
}

/**
 * What can be said of a URL without a look-up. `URL` has already turned spellings like `0x7f.1`, `2130706433` and `①27.0.0.1` into
 * dotted addresses. A name may still resolve to anything: whoever connects checks the addresses.
 * @param allowedHosts `host` or `host:port` as `URL` writes them; they are trusted
 */
export function judgeUrl (text: string, allowedHosts: readonly string[]): UrlVerdict {
  if (text.length > urlLengthMax) return { problem: `it is longer than ${urlLengthMax} characters` }
  if (!URL.canParse(text)) return { problem: 'it is no valid URL' }
  const url = new URL(text)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return { problem: `it begins with ${url.protocol}, not with http: or https:` }
  if (url.username !== '' || url.password !== '') return { problem: 'it holds a user name or a password' }
  const port = url.port === '' ? url.protocol === 'https:' ? 443 : 80 : Number(url.port)
  if (allowedHosts.includes(url.hostname) || allowedHosts.includes(`${url.hostname}:${port}`)) return { url, isTrusted: true }
  if (!ports.has(port)) return { problem: `its port is ${port}, not one of ${[...ports].join(', ')}` }
  return isPublicHost(hostOf(url)) ? { url, isTrusted: false } : { problem: notPublic }
}

/** One text for names and addresses alike: it must not tell which names exist in the gateway's network. */
export const notPublic = 'its host has no public address'

function isPublicHost (host: string): boolean {
  if (isIP(host) !== 0) return isPublicAddress(host)
  return host.includes('.') && !host.endsWith('.') && !localSuffix.test(host)
}
