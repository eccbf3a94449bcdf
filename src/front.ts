// Entry of the front process: everything but the supervisor runs here.
import { once } from 'node:events'
import { parseArgs } from 'node:util'
import type { Settings } from './api/settings.ts'
import { ConfigError } from './config/config-error.ts'
import { readEnvironment } from './config/environment.ts'
import { loadConfig } from './config/load.ts'
import type { LoadedConfig } from './config/load.ts'
import { exitCodes } from './exit-codes.ts'
import { createLogger } from './log.ts'
import type { Logger } from './log.ts'
import { loadRest, startGateway } from './main.ts'
import type { RunningGateway } from './main.ts'
import { readVersion } from './version.ts'

/** What the front tells the supervisor when it serves. */
export interface ReadyMessage {
  type: 'ready'
  host: string
  port: number
  lines: string[]
  /** A model that answers now, for the banner's example. */
  exampleModel: string
}

/** What the supervisor tells a front that waits: it is its turn, on this port. */
export interface ServeMessage {
  port: number
}

const { values: flags } = parseArgs({ options: { config: { type: 'string' }, host: { type: 'string' }, port: { type: 'string' }, 'log-level': { type: 'string' }, wait: { type: 'boolean', default: false } } })

const configPath = flags.config ?? null
const environment = readEnvironment()

/** Everything is loaded, nothing is read or opened yet: the config is that of the moment when it is needed. */
async function waitForTurn (): Promise<number> {
  const end = (): void => { process.exit(0) }
  if (!process.connected) end()
  process.once('disconnect', end)
  loadRest()
  const [{ port }] = await once(process, 'message') as [ServeMessage]
  process.off('disconnect', end)
  return port
}

const port = flags.wait ? await waitForTurn() : flags.port === undefined ? undefined : Number(flags.port)

function load (generation: number, data?: unknown): LoadedConfig {
  return loadConfig({
    path: configPath,
    data,
    environment,
    overrides: { host: flags.host, port, logLevel: flags['log-level'] },
    generation
  })
}

function loadFirst (): LoadedConfig {
  try {
    const loaded = load(1)
    for (const warning of loaded.warnings) process.stderr.write(`warning: ${warning}\n`)
    return loaded
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    process.stderr.write(`${error.format()}\n`)
    process.exit(exitCodes.config)
  }
}

function shutDownOn (logger: Logger, gateway: RunningGateway): void {
  let signals = 0
  const shutDown = (why: string): void => {
    if (++signals > 1) process.exit(1)
    logger.info({ why, ...gateway.load() }, 'shutting down')
    gateway.close().then(() => process.exit(0), (error: unknown) => {
      logger.error({ err: error }, 'shutdown failed')
      process.exit(exitCodes.crash)
    })
  }
  process.on('SIGTERM', () => { shutDown('SIGTERM') })
  process.on('SIGINT', () => { shutDown('SIGINT') })
  process.on('disconnect', () => { shutDown('supervisor gone') })
}

function describe (settings: Settings): string[] {
  return settings.providers.map((provider) => `  ${provider.name.padEnd(12)} ${provider.unavailableReason ?? 'ready'}`)
}

function toExampleModel (settings: Settings): string {
  const provider = settings.providers.find((candidate) => candidate.kind === 'mock') ?? settings.providers.find((candidate) => candidate.unavailableReason === null)
  const model = provider?.keys.flatMap((key) => key.models).find((name) => name !== '*')
  return `${provider?.name ?? 'provider'}/${model ?? 'any'}`
}

const loaded = loadFirst()
const { settings } = loaded
const logger = createLogger({ level: settings.server.logLevel })
process.on('uncaughtException', (error) => {
  logger.fatal({ err: error }, 'uncaught exception')
  process.exit(exitCodes.crash)
})
try {
  const gateway = await startGateway({ loaded, load, configPath, logger, version: readVersion() })
  shutDownOn(logger, gateway)
  process.on('SIGHUP', () => { gateway.reload('SIGHUP') })
  const ready: ReadyMessage = { type: 'ready', host: settings.server.host, port: gateway.port, lines: describe(settings), exampleModel: toExampleModel(settings) }
  process.send?.(ready)
} catch (error) {
  const code = (error as { code?: string }).code
  process.stderr.write(`cannot listen on ${settings.server.host}:${settings.server.port}: ${code ?? String(error)}\n`)
  process.exit(exitCodes.address)
}
