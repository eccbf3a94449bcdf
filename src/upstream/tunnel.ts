import { request as requestPlain } from 'node:http'
import { request as requestTls } from 'node:https'
import type { Socket } from 'node:net'
import type { ProxySettings } from '../api/settings.ts'

/** What went wrong on the way to the target, so that nobody looks for the fault at the provider. The message is for people, and without secrets. */
export class ProxyError extends Error {
  override readonly name = 'ProxyError'
  readonly code = 'EPROXY'
}

export interface TunnelTarget {
  /** A name or an address, without brackets. Names are the proxy's to resolve. */
  host: string
  port: number
}

/** Of this process, not of the proxy. */
const ownLimits = new Set<unknown>(['EMFILE', 'ENFILE'])
const socksPortDefault = 1080

/**
 * Opens a connection through the proxy, for plain targets too: what is spoken on it is between the gateway and the provider.
 * @returns a socket on which nothing has been said yet
 * @throws ProxyError; or what the system says when this process has no socket left
 */
export async function openTunnel (proxy: ProxySettings, target: TunnelTarget, timeoutMs: number): Promise<Socket> {
  try {
    return await (proxy.url.startsWith('socks5:') ? openThroughSocks : openThroughHttp)(proxy, target, timeoutMs)
  } catch (error) {
    if (error instanceof ProxyError) throw error
    const { message, code: given } = error as Error & { code?: string }
    // The library for SOCKS keeps the code of the system only in its message.
    const code = given ?? /\bE[A-Z]+\b/.exec(message)?.[0]
    if (ownLimits.has(code)) throw Object.assign(error as Error, { code })
    throw new ProxyError(`the proxy cannot be used: ${code ?? message}`, { cause: error })
  }
}

/** By CONNECT, RFC 9110 section 9.3.6. */
function openThroughHttp (proxy: ProxySettings, target: TunnelTarget, timeoutMs: number): Promise<Socket> {
  const { protocol, hostname, port } = new URL(proxy.url)
  const authority = `${target.host.includes(':') ? `[${target.host}]` : target.host}:${target.port}`
  return new Promise((resolve, reject) => {
    const request = (protocol === 'https:' ? requestTls : requestPlain)({
      method: 'CONNECT',
      host: withoutBrackets(hostname),
      port,
      path: authority,
      agent: false,
      ca: proxy.caCertPem === '' ? undefined : proxy.caCertPem,
      headers: { host: authority, 'proxy-connection': 'keep-alive', ...proxy.username === '' ? {} : { 'proxy-authorization': `Basic ${Buffer.from(`${proxy.username}:${proxy.password}`).toString('base64')}` } }
    })
    const deadline = setTimeout(() => { request.destroy(new ProxyError(`the proxy did not answer within ${timeoutMs} ms`)) }, timeoutMs)
    request.on('connect', ({ statusCode = 0 }, socket: Socket, head) => {
      clearTimeout(deadline)
      if (statusCode < 200 || statusCode > 299) {
        socket.destroy()
        reject(new ProxyError(`the proxy answered ${statusCode}`))
        return
      }
      if (head.length > 0) socket.unshift(head)
      resolve(socket)
    })
    request.on('error', (error) => {
      clearTimeout(deadline)
      reject(error)
    })
    request.end()
  })
}

/** SOCKS 5, RFC 1928 and 1929. */
async function openThroughSocks ({ url, username, password }: ProxySettings, destination: TunnelTarget, timeout: number): Promise<Socket> {
  const { SocksClient } = await import('socks') // Here, so that nobody else's thread has to load it.
  const { hostname, port } = new URL(url)
  const { socket } = await SocksClient.createConnection({
    command: 'connect',
    proxy: { type: 5, host: withoutBrackets(hostname), port: port === '' ? socksPortDefault : Number(port), ...username === '' ? {} : { userId: username, password } },
    destination,
    timeout
  })
  return socket
}

function withoutBrackets (hostname: string): string {
  return hostname.replace(/^\[|\]$/g, '')
}
