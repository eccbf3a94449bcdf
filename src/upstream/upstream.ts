import type { buildConnector, Client, Dispatcher } from 'undici'
import { createConnector, resetCode } from './connector.ts'
import { ProxyError } from './tunnel.ts'
import { Client as UndiciClient } from './undici.ts'
import type { HttpMethod } from '../api/job.ts'
import type { ProviderSettings } from '../api/settings.ts'
import { GatewayError } from '../errors.ts'

/** What goes upstream; `url` is origin and path apart, since a connection belongs to an origin. */
export interface UpstreamRequest {
  origin: string
  path: string
  /** Names and values in turn. */
  headers: string[]
  /** Absent: POST. Without a body for every other one. */
  method?: HttpMethod
  body: Uint8Array
}

export type UpstreamHeaders = Record<string, string | string[] | undefined>

/** Called in this order; exactly one of `onEnd` and `onError` is the last call. */
export interface UpstreamHandler {
  /** The request goes onto a connected socket. */
  onStart (): void
  onHead (status: number, headers: UpstreamHeaders): void
  onData (chunk: Buffer): void
  onEnd (): void
  onError (error: GatewayError): void
}

/** Longest response header block, in bytes; undici closes the connection past it. */
const responseHeaderBytesMax = 64 * 1024
/** Idle connections close before the provider closes them, so that a request rarely meets a dying socket. */
const keepAliveTimeoutMs = 4_000

/**
 * The thread's connections, one undici `Client` per socket, kept per origin. A free one is taken from
 * a stack: the most recently used socket is the least likely to be closed, and no scan over all
 * connections is needed as in undici's own pool. Timeouts are the attempt's: undici's are off, since its
 * body timer stands still while the reader is paused.
 */
export class Upstream {
  private readonly settings: ProviderSettings
  private readonly onArrival: () => void
  private readonly origins = new Map<string, Connections>()

  /** @param onArrival called when something has come from an origin, before it is looked at */
  constructor (settings: ProviderSettings, onArrival = (): void => {}) {
    this.settings = settings
    this.onArrival = onArrival
  }

  /** @param isFresh over a new connection */
  send (request: UpstreamRequest, handler: UpstreamHandler, isFresh = false): UpstreamCall {
    let connections = this.origins.get(request.origin)
    if (connections === undefined) {
      connections = new Connections(request.origin, this.settings, this.onArrival)
      this.origins.set(request.origin, connections)
    }
    const call = new UpstreamCall(connections, handler, this.settings.name, request.origin)
    call.dispatch(request, isFresh)
    return call
  }

  async destroy (): Promise<void> {
    const all = [...this.origins.values()]
    this.origins.clear()
    await Promise.all(all.map((connections) => connections.destroy()))
  }
}

/** Sockets to one origin. */
class Connections {
  private readonly origin: string
  private readonly connect: buildConnector.connector
  private readonly idle: Client[] = []
  private readonly all = new Set<Client>()

  constructor (origin: string, settings: ProviderSettings, onArrival: () => void) {
    this.origin = origin
    this.connect = createConnector({
      // The attempt watches the connect timeout; this one only bounds a socket that nobody waits for.
      timeout: settings.timeouts.connectMs + 1_000,
      keepAlive: true,
      allowH2: false,
      rejectUnauthorized: !settings.tls.insecureSkipVerify,
      ca: settings.tls.caCertPem === '' ? undefined : settings.tls.caCertPem
    }, settings.proxy, onArrival)
  }

  take (isFresh: boolean): Client {
    const free = isFresh ? undefined : this.idle.pop()
    if (free !== undefined) return free
    // One that is opened beside idle ones takes the place of the one that was idle longest.
    const oldest = this.idle.shift()
    if (oldest !== undefined) this.discard(oldest)
    const client = new UndiciClient(this.origin, {
      connect: this.connect,
      pipelining: 1,
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: keepAliveTimeoutMs,
      keepAliveMaxTimeout: keepAliveTimeoutMs,
      maxHeaderSize: responseHeaderBytesMax
    })
    this.all.add(client)
    return client
  }

  giveBack (client: Client): void {
    if (this.all.has(client)) this.idle.push(client)
  }

  /** Ends a socket that is still connecting, together with the request that waits for it, or one that could not connect. */
  discard (client: Client): void {
    if (this.all.delete(client)) void client.destroy()
  }

  async destroy (): Promise<void> {
    const clients = [...this.all]
    this.all.clear()
    this.idle.length = 0
    await Promise.all(clients.map((client) => client.destroy()))
  }
}

/** One request on one connection. */
export class UpstreamCall implements Dispatcher.DispatchHandler {
  private readonly connections: Connections
  private readonly handler: UpstreamHandler
  private readonly provider: string
  private readonly origin: string
  private client: Client | null = null
  private controller: Dispatcher.DispatchController | null = null
  private aborted = false

  constructor (connections: Connections, handler: UpstreamHandler, provider: string, origin: string) {
    this.connections = connections
    this.handler = handler
    this.provider = provider
    this.origin = origin
  }

  dispatch (request: UpstreamRequest, isFresh: boolean): void {
    this.client = this.connections.take(isFresh)
    this.client.dispatch({
      origin: request.origin,
      path: request.path,
      method: request.method ?? 'POST',
      headers: request.headers,
      body: request.method === undefined || request.method === 'POST' ? request.body : null,
      headersTimeout: 0,
      bodyTimeout: 0
    }, this)
  }

  /** Closes the socket. The handler's `onError` follows; after an abort it means nothing any more. */
  abort (): void {
    if (this.aborted) return
    this.aborted = true
    if (this.controller !== null) this.controller.abort(new Error('aborted'))
    else if (this.client !== null) this.connections.discard(this.client)
  }

  pause (): void {
    this.controller?.pause()
  }

  resume (): void {
    this.controller?.resume()
  }

  onRequestStart (controller: Dispatcher.DispatchController): void {
    this.controller = controller
    if (this.aborted) controller.abort(new Error('aborted'))
    else this.handler.onStart()
  }

  onResponseStart (_controller: Dispatcher.DispatchController, status: number, headers: UpstreamHeaders): void {
    if (status >= 200) this.handler.onHead(status, headers)
  }

  onResponseData (_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.handler.onData(chunk)
  }

  onResponseEnd (): void {
    this.release()
    this.handler.onEnd()
  }

  onResponseError (_controller: Dispatcher.DispatchController, error: Error): void {
    const started = this.controller !== null
    // undici's client takes no request any more after some failures to connect (a certificate for another host).
    if (!started && this.client !== null) this.connections.discard(this.client)
    this.release()
    this.handler.onError(toGatewayError(error, started, this.provider, this.origin))
  }

  private release (): void {
    if (this.client !== null) this.connections.giveBack(this.client)
    this.client = null
  }
}

/** Names the library's error in our terms. Messages carry codes and the origin, never headers or bodies. */
function toGatewayError (error: Error & { code?: string }, started: boolean, provider: string, origin: string): GatewayError {
  const code = error.code === resetCode ? 'ECONNRESET' : error.code ?? error.name
  if (!started) {
    // The gateway's own limit: the provider is not to blame, and its circuit breaker must not open for it.
    if (code === 'EMFILE' || code === 'ENFILE') {
      return new GatewayError('BIFROST_REQUEST_DROPPED', { message: `request dropped: no file descriptor is free for a connection to ${provider} (${code})`, provider, cause: error })
    }
    const why = error instanceof ProxyError ? error.message : code
    return new GatewayError('BIFROST_UPSTREAM_CONNECT', { message: `Could not connect to ${provider} at ${origin}: ${why}.`, provider, cause: error })
  }
  // undici leaves the parser's code out when its table does not know it.
  if (code.startsWith('HPE_') || error.name === 'HTTPParserError' || code === 'UND_ERR_HEADERS_OVERFLOW') {
    return new GatewayError('BIFROST_UPSTREAM_BAD_RESPONSE', { message: `${provider} sent a response that is not valid HTTP: ${code}.`, provider, cause: error })
  }
  return new GatewayError('BIFROST_UPSTREAM_RESET', { message: `${provider} closed the connection before the answer was complete: ${code}.`, provider, cause: error })
}
