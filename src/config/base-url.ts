import { BlockList, isIP } from 'node:net'

/** Never a provider: cloud metadata services live on link-local addresses. */
const refused = blockList([['169.254.0.0', 16], ['0.0.0.0', 8]], [['fe80::', 10], ['::', 128]])

const privateNetworks = blockList(
  [['10.0.0.0', 8], ['172.16.0.0', 12], ['192.168.0.0', 16], ['100.64.0.0', 10]],
  [['fc00::', 7]]
)

type UrlCheck = { url: string } | { problem: string }

/**
 * Checks the address of a provider and brings it into the one form that the program uses: no trailing
 * slash, no `/v1`. Only literal addresses can be judged here; a name may still resolve to a private
 * address, which is for the connecting side to check.
 */
export function parseBaseUrl (text: string, allowPrivateNetwork: boolean): UrlCheck {
  const parsed = parseProviderUrl(text, allowPrivateNetwork)
  if ('problem' in parsed) return parsed
  const url = parsed.url.replace(/\/$/, '')
  if (/\/v1$/.test(url)) return { problem: 'must stand without /v1, which is added to every request; remove it from the end' }
  return { url }
}

/** Checks a whole URL that requests are sent to. */
export function parseProviderUrl (text: string, allowPrivateNetwork: boolean): UrlCheck {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    return { problem: 'must be an http:// or https:// URL' }
  }
  if (url.username !== '' || url.password !== '') return { problem: 'must not hold credentials; give them as a key' }
  if (url.search !== '' || url.hash !== '') return { problem: 'must not have a query or a fragment' }
  const problem = addressProblem(url.hostname, allowPrivateNetwork)
  return problem === null ? { url: url.href } : { problem }
}

/** `URL` has already turned spellings like 0xa9fea9fe and 2130706433 into dotted addresses. */
function addressProblem (hostname: string, allowPrivateNetwork: boolean): string | null {
  const host = hostname.replace(/^\[|\]$/g, '')
  const family = isIP(host) === 6 ? 'ipv6' : isIP(host) === 4 ? 'ipv4' : null
  if (family === null) return null
  if (refused.check(host, family)) return 'is a link-local or unspecified address, which is never allowed'
  if (privateNetworks.check(host, family) && !allowPrivateNetwork) {
    return 'is in a private network; set network_config.allow_private_network to true to allow that'
  }
  return null
}

function blockList (ipv4: Array<[string, number]>, ipv6: Array<[string, number]>): BlockList {
  const list = new BlockList()
  for (const [address, prefix] of ipv4) list.addSubnet(address, prefix, 'ipv4')
  for (const [address, prefix] of ipv6) list.addSubnet(address, prefix, 'ipv6')
  return list
}
