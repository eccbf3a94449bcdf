import { logLevels } from '../api/settings.ts'
import type { ClientSettings, LogLevel, ServerSettings } from '../api/settings.ts'
import type { ProblemList } from './config-error.ts'
import type { ConfigFile } from './config-types.ts'
import type { Environment } from './environment.ts'
import { secondsToMs } from './seconds.ts'

/** What the command line says; wins over the environment, which wins over the file. */
export interface ConfigOverrides {
  host?: string
  port?: number
  logLevel?: string
}

export function resolveServer (file: ConfigFile, environment: Environment, overrides: ConfigOverrides, problems: ProblemList): ServerSettings {
  const { server, client } = file
  const host = pick(overrides.host, environment['APP_HOST']) ?? { from: '', value: server.host }
  const port = pick(overrides.port?.toString(), environment['APP_PORT'])
  const level = pick(overrides.logLevel, environment['LOG_LEVEL'])
  return {
    host: host.value,
    port: port === null ? server.port : parsePort(port.value, port.from === 'flag' ? '--port' : 'APP_PORT', problems),
    logLevel: level === null ? server.log_level : parseLevel(level.value, level.from === 'flag' ? '--log-level' : 'LOG_LEVEL', problems),
    preStopDelayMs: client.pre_stop_delay_in_seconds * 1_000,
    shutdownTimeoutMs: secondsToMs(client.shutdown_timeout_in_seconds),
    adminKey: server.admin_key,
    watchConfig: server.watch_config
  }
}

export function resolveClient (file: ConfigFile): ClientSettings {
  const { client } = file
  return {
    initialPoolSize: client.initial_pool_size,
    dropExcessRequests: client.drop_excess_requests,
    requestBodyBytesMax: client.max_request_body_size_mb * 1024 * 1024,
    allowDirectKeys: client.allow_direct_keys,
    requestTimeoutMs: secondsToMs(client.request_timeout_in_seconds),
    slowClientTimeoutMs: secondsToMs(client.slow_client_timeout_in_seconds),
    prometheusLabels: client.prometheus_labels,
    listUpstreamModels: client.list_upstream_models
  }
}

/** An empty variable counts as not set: that is how compose files leave one out. */
function pick (flag: string | undefined, variable: string | undefined): { from: 'flag' | 'variable', value: string } | null {
  if (flag !== undefined) return { from: 'flag', value: flag }
  return variable === undefined || variable === '' ? null : { from: 'variable', value: variable }
}

function parsePort (text: string, name: string, problems: ProblemList): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : NaN
  if (port <= 65535) return port
  problems.add({ path: name, value: shown(text, name), message: 'must be an integer from 0 to 65535' })
  return 0
}

function parseLevel (text: string, name: string, problems: ProblemList): LogLevel {
  const level = logLevels.find((known) => known === text.toLowerCase())
  if (level !== undefined) return level
  problems.add({ path: name, value: shown(text, name), message: `must be one of: ${logLevels.join(', ')}` })
  return 'info'
}

/** Nothing that came from the environment is printed: a variable may hold what another one should. */
function shown (text: string, name: string): string {
  return name.startsWith('--') ? JSON.stringify(text) : '<redacted>'
}
