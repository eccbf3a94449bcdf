import HyperExpress from 'hyper-express'
import type { HttpRequest, HttpResponse } from 'uWebSockets.js'
import { headerOf } from '../api/client.ts'
import type { Client, ClientWatcher, GatewayRequest } from '../api/client.ts'
import { parseRequest } from '../api/parse-request.ts'
import type { HttpMethod } from '../api/job.ts'
import type { Dialect } from '../api/dialects.ts'
import { invalid } from '../api/parsed-request.ts'
import type { RequestRoute } from '../api/parsed-request.ts'
import { GatewayError } from '../errors.ts'
import { ClientConnections } from './client-connections.ts'
import type { ConnectionLimit } from './client-connections.ts'
import { Exchange } from './exchange.ts'
import type { ExchangeEvents } from './exchange.ts'
import { findFramingProblem } from './header-guard.ts'
import { findResourceRoutes, findRoute } from './routes.ts'
import { wantsJsonArray } from './stream-form.ts'
import { OpenExchanges } from './open-exchanges.ts'
import { findFreePort } from './port-check.ts'
import { toRequestId } from './request-id.ts'

export interface TransportOptions extends ConnectionLimit {
  host: string
  port: number
  requestBodyBytesMax: number
  slowClientTimeoutMs: number
  nowMs: () => number
  /** A POST has come while nothing was open, as the one before it; nothing of it has been looked at. */
  onLonePost: () => void
  /** Serves an inference request; the returned watcher hears about the client. */
  handle: (request: GatewayRequest, client: Client) => ClientWatcher & { start: () => void }
  /** Answers a GET route, by path; the query string is raw, the headers names and values in turn. */
  pages: Readonly<Record<string, ShowPage>>
  /** One model by its path; null for a path of something else. */
  findModel: (path: string, headers: readonly string[]) => { dialect: Dialect, body: string | null } | null
  /** Answers every method on paths below `/api/`. */
  api: (request: ApiRequest) => ApiAnswer
  /** Called once per exchange, whatever its ending. */
  onFinished: (exchange: Exchange) => void
  /** Called per stream chunk but the first. */
  onStreamGap: (exchange: Exchange, gapMs: number) => void
}

export interface Page {
  status: number
  contentType: string
  body: string
}

/** A request to the management API. */
export interface ApiRequest {
  /** Upper case. */
  method: string
  path: string
  headers: readonly string[]
  body: Buffer
}

export interface ApiAnswer {
  status: number
  /** JSON. */
  body: string
}

type ShowPage = (query: string, headers: readonly string[]) => Page | Promise<Page>

/** How often open exchanges are looked at for deadlines and stuck readers. */
const sweepMs = 100

/** Bytes of request bodies in memory over all requests; more are refused until some are answered. */
const heldBodyBytesMax = 1024 * 1024 * 1024

/** Of a request to the management API: the config file may be as large. */
const apiBodyBytesMax = 16 * 1024 * 1024

const noBytes = Buffer.alloc(0)
const queryCharactersMax = 2_048

/** The HTTP server. hyper-express owns the listening socket; requests are served on its uWebSockets.js app. */
export class Transport implements ExchangeEvents {
  private readonly options: TransportOptions
  private readonly server: HyperExpress.Server
  private readonly open = new OpenExchanges()
  readonly connections: ClientConnections
  private readonly pages: ReadonlyMap<string, ShowPage>
  private readonly sweep: NodeJS.Timeout
  /** Nothing was open when the last request came. */
  private isLastLone = false
  heldBodyBytes = 0
  private draining = false
  private onDrained: (() => void) | null = null

  constructor (options: TransportOptions) {
    this.options = options
    this.pages = new Map(Object.entries(options.pages))
    this.server = new HyperExpress.Server({ auto_close: false })
    this.connections = new ClientConnections(options)
    this.server.uws_instance.filter((response, change) => this.connections.count(response, Number(change)))
    this.sweep = setInterval(() => {
      const nowMs = options.nowMs()
      this.open.forEach((exchange) => { exchange.tick(nowMs, options.slowClientTimeoutMs) })
    }, sweepMs)
    this.sweep.unref()
  }

  get openCount (): number { return this.open.size }

  /** @returns the port that is bound, which matters for port 0 */
  async listen (): Promise<number> {
    const { host } = this.options
    const port = await findFreePort(host, this.options.port)
    await this.server.listen(port, host)
    // hyper-express puts its own catch-all in place when it starts to listen; the last one registered counts.
    this.server.uws_instance.any('/*', (response, request) => { this.onRequest(response, request) })
    return port
  }

  /** Stops accepting; new requests on open connections get 503. Resolves when the last answer has ended. */
  async drain (): Promise<void> {
    this.draining = true
    this.server.close()
    this.open.forEach((exchange) => { exchange.closeAfter = true })
    if (this.open.size > 0) await new Promise<void>((resolve) => { this.onDrained = resolve })
  }

  /** Cuts what is still open. */
  destroy (): void {
    clearInterval(this.sweep)
    this.open.forEach((exchange) => { exchange.close() })
    this.server.uws_instance.close()
  }

  private onRequest (response: HttpResponse, request: HttpRequest): void {
    const method = request.getMethod()
    const isLone = this.open.size === 0
    if (isLone && this.isLastLone && method === 'post') this.options.onLonePost()
    this.isLastLone = isLone
    const exchange = new Exchange(response, method, request.getUrl(), this.options.nowMs, this)
    this.open.add(exchange)
    const headers: string[] = []
    request.forEach((name, value) => { headers.push(name, value) })
    exchange.requestId = toRequestId(headerOf(headers, 'x-request-id'))
    try {
      this.route(exchange, headers, request)
    } catch (error) {
      if (error instanceof GatewayError) exchange.refuse(error)
      else this.failInternally(exchange, error)
    }
  }

  onStreamGap (exchange: Exchange, gapMs: number): void {
    this.options.onStreamGap(exchange, gapMs)
  }

  onFinished (exchange: Exchange): void {
    this.open.delete(exchange)
    this.options.onFinished(exchange)
    if (this.draining && this.open.size === 0) this.onDrained?.()
  }

  private route (exchange: Exchange, headers: string[], request: HttpRequest): void {
    const problem = findFramingProblem(headers)
    if (problem !== null) return exchange.close()
    const contentLength = Number(headerOf(headers, 'content-length') ?? 0)
    const { path, method } = exchange
    // A body that is not read cannot be told apart from what follows it on this connection.
    if (contentLength > 0 || headerOf(headers, 'transfer-encoding') !== null) exchange.closeAfter = true
    const fixed = findRoute(path)
    const page = fixed === null ? this.pages.get(path) : undefined
    const resources = fixed === null && page === undefined ? findResourceRoutes(path, headerOf(headers, 'anthropic-version') !== null) : null
    if (fixed === null && page === undefined && resources === null && path.startsWith('/api/')) return this.routeApi(exchange, headers)
    if (fixed === null && page === undefined && resources === null && method === 'get' && this.showModel(exchange, headers)) return
    const route = fixed ?? resources?.[method.toUpperCase() as HttpMethod] ?? null
    if (route !== null) {
      exchange.dialect = route.dialect
      exchange.template = route.template
      exchange.operation = route.operation
      // The query is only asked for where it means something.
      exchange.jsonArray = route.dialect === 'gemini' && wantsJsonArray(route, request.getQuery())
    }
    if (route === null && page === undefined && resources === null) {
      return exchange.refuse(new GatewayError('BIFROST_ROUTE_NOT_FOUND', { message: `Route not found: ${path}` }))
    }
    if (page !== undefined ? method !== 'get' && method !== 'head' : route === null || method !== route.method.toLowerCase()) {
      const allowed = page !== undefined ? 'GET, HEAD' : Object.keys(resources ?? { POST: fixed }).join(', ')
      return exchange.refuse(new GatewayError('BIFROST_METHOD_NOT_ALLOWED', { message: `${method.toUpperCase()} is not allowed on ${path}, use ${allowed}.` }), `allow: ${allowed}`)
    }
    if (page !== undefined) return this.showPage(exchange, page, request.getQuery(), headers)
    if (this.draining) {
      exchange.closeAfter = true
      return exchange.refuse(new GatewayError('BIFROST_SHUTTING_DOWN'))
    }
    // Its type says otherwise, but without a query there is none.
    const query = resources === null ? '' : request.getQuery() as string | undefined ?? ''
    if (method !== 'post') return this.serve(exchange, route as RequestRoute, headers, query, noBytes)
    if (contentLength > this.options.requestBodyBytesMax) return this.refuseBody(exchange, 'body')
    exchange.readBody(this.options.requestBodyBytesMax, heldBodyBytesMax, contentLength, (body) => {
      // Read to its end: the connection may go on.
      exchange.closeAfter = this.draining
      this.serve(exchange, route as RequestRoute, headers, query, body)
    }, (limit) => { this.refuseBody(exchange, limit) })
  }

  /** @returns whether the path is that of a model */
  private showModel (exchange: Exchange, headers: readonly string[]): boolean {
    const found = this.options.findModel(exchange.path, headers)
    if (found === null) return false
    exchange.dialect = found.dialect
    if (found.body === null) exchange.refuse(new GatewayError('BIFROST_NOT_CONFIGURED', { param: 'model', message: 'No configured provider serves this model; GET /v1/models lists them.' }))
    else exchange.send(200, found.body, 'application/json')
    return true
  }

  private routeApi (exchange: Exchange, headers: readonly string[]): void {
    const answer = (body: Buffer): void => {
      try {
        const { status, body: json } = this.options.api({ method: exchange.method.toUpperCase(), path: exchange.path, headers, body })
        exchange.send(status, json, 'application/json')
      } catch (error) {
        if (error instanceof GatewayError) exchange.refuse(error)
        else this.failInternally(exchange, error)
      }
    }
    if (exchange.method !== 'post' && exchange.method !== 'put') return answer(Buffer.alloc(0))
    exchange.readBody(apiBodyBytesMax, heldBodyBytesMax, 0, answer, () => {
      exchange.refuse(new GatewayError('BIFROST_BODY_TOO_LARGE', { message: `The request body is larger than ${apiBodyBytesMax} bytes.` }))
    })
  }

  private refuseBody (exchange: Exchange, limit: 'body' | 'held'): void {
    exchange.closeAfter = true
    exchange.refuse(limit === 'held'
      ? new GatewayError('BIFROST_REQUEST_DROPPED', { message: `request dropped: ${heldBodyBytesMax} bytes of request bodies are in memory` })
      : new GatewayError('BIFROST_BODY_TOO_LARGE', { message: `The request body is larger than client.max_request_body_size_mb (${this.options.requestBodyBytesMax} bytes).` }))
  }

  private serve (exchange: Exchange, route: RequestRoute, headers: string[], query: string, body: Buffer): void {
    try {
      const parsed = parseRequest(route, body, headerOf(headers, 'content-type') ?? '')
      const { dialect, defaultProvider, method, passthroughTo } = route
      const { operation } = parsed
      exchange.operation = operation
      const resource = query === '' ? route.resource : `${route.resource}?${checkedQuery(query)}`
      const run = this.options.handle({ id: exchange.requestId, dialect, defaultProvider, operation, method, resource, passthroughTo, jsonArray: exchange.jsonArray, headers, body, parsed, receivedAtMs: exchange.receivedAtMs }, exchange)
      exchange.watcher = run
      run.start()
    } catch (error) {
      if (error instanceof GatewayError) exchange.refuse(error)
      else this.failInternally(exchange, error)
    }
  }

  private showPage (exchange: Exchange, page: ShowPage, query: string, headers: readonly string[]): void {
    Promise.resolve(page(query, headers)).then(
      ({ status, contentType, body }) => { exchange.send(status, body, contentType) },
      (error: unknown) => { this.failInternally(exchange, error) }
    )
  }

  private failInternally (exchange: Exchange, error: unknown): void {
    exchange.refuse(new GatewayError('BIFROST_INTERNAL', { cause: error }))
  }
}

/** It goes upstream as it is. */
function checkedQuery (query: string): string {
  if (query.length > queryCharactersMax || !/^[\x21-\x7e]*$/.test(query)) throw invalid('query', `The query must be at most ${queryCharactersMax} printable ASCII characters without spaces.`)
  return query
}
