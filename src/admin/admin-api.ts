import { createHash, timingSafeEqual } from 'node:crypto'
import { headerOf } from '../api/client.ts'
import { ConfigError } from '../config/config-error.ts'
import { keepRedacted, readRawConfig, writeRawConfig } from '../config/config-store.ts'
import type { RawConfig } from '../config/config-store.ts'
import { isObject } from '../config/json-path.ts'
import { parseJsonText } from '../config/json-text.ts'
import { redactValue } from '../config/redact.ts'
import { GatewayError } from '../errors.ts'
import type { Reloader, ReloadReport } from '../reload/reloader.ts'
import type { ApiAnswer, ApiRequest } from '../transport/server.ts'
import { addKey, addProvider, idOf, keyOf, keysOf, providerOf, removeKey, removeProvider, replaceKey, replaceProvider } from './config-edits.ts'
import type { RawKey, RawProvider } from './config-edits.ts'

export interface AdminApiOptions {
  /** Null when the gateway was started without a file: then nothing can be changed. */
  configPath: string | null
  adminKey: () => string
  reloader: Reloader
  /** What `GET /api/health/providers` shows. */
  readHealth: () => object[]
}

type Route = (names: readonly string[], body: Record<string, unknown>) => { status?: number, body: object }

/**
 * The management API: shows the config file without its secrets and changes it. A change is checked as a reload would, written
 * to the file in one step and taken over; what is refused changes nothing. Every route but the health page is closed without
 * an admin key, and open to nobody else with one.
 */
export class AdminApi {
  private readonly options: AdminApiOptions
  private readonly routes: ReadonlyMap<string, Readonly<Record<string, Route>>>

  constructor (options: AdminApiOptions) {
    this.options = options
    this.routes = new Map(Object.entries(this.createRoutes()))
  }

  /** @throws GatewayError */
  handle (request: ApiRequest): ApiAnswer {
    const path = request.path.split('/').slice(2).map(decodePart)
    this.checkAccess(request.headers, path.join('/') === 'health/providers')
    const { pattern, names } = toPattern(path)
    const route = this.routes.get(pattern)
    if (route === undefined) throw new GatewayError('BIFROST_ROUTE_NOT_FOUND', { message: `Route not found: ${request.path}` })
    const run = route[request.method]
    if (run === undefined) throw new GatewayError('BIFROST_METHOD_NOT_ALLOWED', { message: `${request.method} is not allowed on ${request.path}, use ${Object.keys(route).join(', ')}.` })
    try {
      const { status = 200, body } = run(names, request.method === 'POST' || request.method === 'PUT' ? parseBody(request.body) : {})
      return { status, body: JSON.stringify(body) }
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      throw new GatewayError('BIFROST_CONFIG_REJECTED', { message: `The configuration was not taken over, nothing has changed.\n${error.format()}` })
    }
  }

  private createRoutes (): Record<string, Record<string, Route>> {
    const provider = (config: RawConfig, name: string): object => ({ name, ...redactValue(providerOf(config, name), ['providers', name]) as object })
    const key = (config: RawConfig, name: string, id: string): object => redactValue(keyOf(config, name, id), ['providers', name, 'keys', 0]) as object
    return {
      'health/providers': { GET: () => ({ body: { providers: this.options.readHealth() } }) },
      config: {
        GET: () => ({ body: redactValue(this.read(), []) as object }),
        PUT: (_, body) => this.change('PUT /api/config', () => body as RawConfig, () => ({}))
      },
      providers: {
        GET: () => {
          const config = this.read()
          const providers = Object.keys(config.providers).map((name) => provider(config, name))
          return { body: { providers, total: providers.length } }
        },
        POST: (_, { provider: name, ...rest }) => {
          if (typeof name !== 'string' || name === '') throw new GatewayError('BIFROST_INVALID_REQUEST', { param: 'provider', message: 'provider is required: the name of the new provider.' })
          return { status: 201, ...this.change('POST /api/providers', (config) => addProvider(config, name, rest), (config) => provider(config, name)) }
        }
      },
      'providers/*': {
        GET: ([name = '']) => ({ body: provider(this.read(), name) }),
        PUT: ([name = ''], { name: _, ...rest }) => this.change(`PUT /api/providers/${name}`, (config) => replaceProvider(config, name, rest as RawProvider), (config) => provider(config, name)),
        DELETE: ([name = '']) => this.change(`DELETE /api/providers/${name}`, (config) => removeProvider(config, name), () => ({ name }))
      },
      'providers/*/keys': {
        GET: ([name = '']) => {
          const config = this.read()
          const keys = keysOf(config, name).map((one, index) => key(config, name, idOf(one, name, index)))
          return { body: { keys, total: keys.length } }
        },
        POST: ([name = ''], body) => ({
          status: 201,
          ...this.change(`POST /api/providers/${name}/keys`, (config) => addKey(config, name, body), (config) => redactValue(keysOf(config, name).at(-1), ['providers', name, 'keys', 0]) as object)
        })
      },
      'providers/*/keys/*': {
        GET: ([name = '', id = '']) => ({ body: key(this.read(), name, id) }),
        PUT: ([name = '', id = ''], body) => this.change(`PUT /api/providers/${name}/keys/${id}`, (config) => replaceKey(config, name, id, body as RawKey), () => ({ id })),
        DELETE: ([name = '', id = '']) => this.change(`DELETE /api/providers/${name}/keys/${id}`, (config) => removeKey(config, name, id), () => ({ id }))
      }
    }
  }

  private checkAccess (headers: readonly string[], isHealth: boolean): void {
    const adminKey = this.options.adminKey()
    if (adminKey === '') {
      if (isHealth) return
      throw new GatewayError('BIFROST_ROUTE_NOT_FOUND', { message: 'The management API is off: set server.admin_key.' })
    }
    const given = /^bearer +(.+)$/i.exec(headerOf(headers, 'authorization') ?? '')?.[1] ?? ''
    // Digests are of one length, so that the time of the comparison tells nothing.
    if (!timingSafeEqual(digest(given), digest(adminKey))) throw new GatewayError('BIFROST_ADMIN_KEY_REFUSED')
  }

  private read (): RawConfig {
    const { configPath } = this.options
    return configPath === null ? { providers: { mock: {} } } : readRawConfig(configPath)
  }

  private change (cause: string, edit: (config: RawConfig) => RawConfig, show: (config: RawConfig) => object): { body: object } {
    const { configPath, reloader } = this.options
    if (configPath === null) throw new GatewayError('BIFROST_CONFIG_READ_ONLY', { message: 'The gateway was started without a config file; start it with --config to change it here.' })
    const before = readRawConfig(configPath)
    const after = keepRedacted(edit(before), before, []) as RawConfig
    // Read back as the file would be: what cannot be read at the next start is refused now.
    const report = reloader.replace(cause, parseJsonText(JSON.stringify(after), configPath), () => { store(configPath, after) })
    if (!report.ok) throw new ConfigError(report.problems)
    return { body: { ...show(after), reload: toReport(report) } }
  }
}

function store (path: string, config: RawConfig): void {
  try {
    writeRawConfig(path, config)
  } catch (error) {
    throw new GatewayError('BIFROST_CONFIG_READ_ONLY', { message: `The config file cannot be written (${(error as { code?: string }).code ?? 'unknown error'}), nothing has changed.`, cause: error })
  }
}

function toReport ({ generation, changes, restartRequired, warnings }: ReloadReport & { ok: true }): object {
  return { generation, changes, restart_required: restartRequired, warnings }
}

/** With the parser of the file: no repeated names, bounded nesting, and no secret in a message. */
function parseBody (body: Buffer): Record<string, unknown> {
  const value = parseJsonText(body.toString('utf8'), 'the request body')
  if (!isObject(value)) throw new GatewayError('BIFROST_INVALID_REQUEST', { message: 'The body must be a JSON object.' })
  return value
}

/** `providers/openai/keys/k1` is the pattern `providers/*` + `/keys/*` with the names openai and k1. */
function toPattern (path: readonly string[]): { pattern: string, names: string[] } {
  if (path[0] !== 'providers') return { pattern: path.join('/'), names: [] }
  const names = [path[1], path[3]].filter((name) => name !== undefined)
  return { pattern: path.map((part, index) => index === 1 || index === 3 ? '*' : part).join('/'), names }
}

function decodePart (part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

function digest (text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
