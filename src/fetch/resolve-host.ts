import { lookup, Resolver } from 'node:dns/promises'

/**
 * The addresses of a name; none when there is no such name.
 * @param isTrusted the operator has named the host in the config
 */
export type ResolveHost = (hostname: string, isTrusted: boolean) => Promise<string[]>

const queryTimeoutMs = 2_000
const queryTries = 2

/**
 * Names that clients choose are asked of the DNS servers directly. The system's own look-up blocks a thread of libuv's pool until it
 * is done, at most two at a time in the whole process: two names whose servers never answer would keep every provider from being
 * found. It also knows the hosts file and search domains, which is wanted for hosts of the operator's, and only for those.
 * @param servers null for those of the system
 */
export async function resolveHost (hostname: string, isTrusted: boolean, servers: readonly string[] | null = null): Promise<string[]> {
  if (isTrusted) return (await lookup(hostname, { all: true })).map(({ address }) => address)
  // A new one reads the list of servers as it is now.
  const resolver = new Resolver({ timeout: queryTimeoutMs, tries: queryTries })
  if (servers !== null) resolver.setServers(servers)
  const answers = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)])
  return answers.flatMap((answer) => answer.status === 'fulfilled' ? answer.value : [])
}
