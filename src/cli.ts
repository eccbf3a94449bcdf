#!/usr/bin/env node
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { exitCodes } from './exit-codes.ts'
import { supervise } from './supervisor.ts'
import { readVersion } from './version.ts'

const defaultConfigPath = 'bifrost.config.json'

const help = `bifrost - LLM gateway

Usage: bifrost [command] [flags]

Commands
  start   serve (default)
  check   validate the config and print what would run
  mock    a real HTTP upstream in its own process, for trials and load tests
  bench   run the bundled load tests (--quick, --only <name>, --seconds <n>)

Flags of start and check
  --config <file>     config file (default: ./${defaultConfigPath}; without one, the mock provider alone)
  --host <address>    address to listen on   (also APP_HOST)
  --port <number>     port to listen on      (also APP_PORT)
  --log-level <name>  trace, debug, info, warn, error, fatal, silent (also LOG_LEVEL)

Flags of mock
  --port <number> --latency-ms <n> --jitter-ms <n> --frames <n> --frame-interval-ms <n> --tokens <n>
  --body-bytes <n> --failure-probability <0..1> --failure-status <n> --seed <n>

  --help, --version
`

function fail (message: string): never {
  process.stderr.write(`${message}\n`)
  process.exit(exitCodes.config)
}

function parse<Options extends NonNullable<Parameters<typeof parseArgs>[0]>['options']> (args: string[], options: Options): Record<string, string | undefined> {
  try {
    return parseArgs({ args, options, allowPositionals: false }).values as Record<string, string | undefined>
  } catch (error) {
    return fail(`${(error as Error).message}\n\n${help}`)
  }
}

const text = { type: 'string' } as const
const serveOptions = { config: text, host: text, port: text, 'log-level': text }

/** The flags as the front process takes them, with the config path settled. */
function serveArguments (args: string[]): { flags: Record<string, string | undefined>, list: string[] } {
  const flags = parse(args, serveOptions)
  if (flags.config === undefined && existsSync(defaultConfigPath)) flags.config = defaultConfigPath
  if (flags.port !== undefined && !/^\d{1,5}$/.test(flags.port)) fail(`--port must be a number from 0 to 65535, not ${flags.port}`)
  return { flags, list: Object.entries(flags).flatMap(([name, value]) => value === undefined ? [] : [`--${name}`, value]) }
}

async function check (args: string[]): Promise<void> {
  const { flags } = serveArguments(args)
  // Here: the supervisor, which is this program too, has no use for them.
  const [{ ConfigError }, { describeSettings }, { readEnvironment }, { loadConfig }] = await Promise.all([
    import('./config/config-error.ts'), import('./config/describe.ts'), import('./config/environment.ts'), import('./config/load.ts')
  ])
  try {
    const { settings, warnings } = loadConfig({
      path: flags.config ?? null,
      environment: readEnvironment(),
      overrides: { host: flags.host, port: flags.port === undefined ? undefined : Number(flags.port), logLevel: flags['log-level'] },
      generation: 1
    })
    for (const warning of warnings) process.stdout.write(`warning: ${warning}\n`)
    process.stdout.write(`${describeSettings(settings)}\n`)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    fail(error.format())
  }
}

async function mock (args: string[]): Promise<void> {
  const flags = parse(args, {
    host: text, port: text, 'latency-ms': text, 'jitter-ms': text, frames: text, 'frame-interval-ms': text, tokens: text, 'body-bytes': text, 'failure-probability': text, 'failure-status': text, seed: text
  })
  await import('./transport/uws-verified.ts')
  const { startMockUpstream } = await import('./mock-upstream/server.ts')
  const number = (name: string): number | undefined => flags[name] === undefined ? undefined : Number(flags[name])
  try {
    const upstream = await startMockUpstream({
      host: flags.host,
      port: number('port'),
      latencyMs: number('latency-ms'),
      jitterMs: number('jitter-ms'),
      frames: number('frames'),
      frameIntervalMs: number('frame-interval-ms'),
      tokens: number('tokens'),
      bodyBytes: number('body-bytes'),
      failureProbability: number('failure-probability'),
      failureStatus: number('failure-status'),
      seed: number('seed')
    })
    process.stderr.write(`mock upstream on http://${flags.host ?? '127.0.0.1'}:${upstream.port}\n`)
  } catch (error) {
    fail(error instanceof Error ? error.message : String(error))
  }
}

function bench (args: string[]): void {
  const child = spawn(process.execPath, [fileURLToPath(new URL('../bench/run.js', import.meta.url)), ...args], { stdio: 'inherit' })
  child.on('exit', (code) => process.exit(code ?? 1))
}

const [first = 'start', ...rest] = process.argv.slice(2)
if (first === '--help' || first === '-h' || rest.includes('--help')) process.stdout.write(help)
else if (first === '--version') process.stdout.write(`${readVersion()}\n`)
else if (first === 'start') supervise(serveArguments(rest).list)
else if (first === 'check') await check(rest)
else if (first === 'mock') await mock(rest)
else if (first === 'bench') bench(rest)
else if (first.startsWith('-')) supervise(serveArguments(process.argv.slice(2)).list)
else fail(`unknown command ${first}\n\n${help}`)
