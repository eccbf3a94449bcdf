import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { createFolder, runCli } from './spawn-cli.ts'

/** Commands that end by themselves: help, version, check, and what is refused. */
const packageVersion = (JSON.parse(readFileSync(join(process.cwd(), 'package.json'), 'utf8')) as { version: string }).version
const configExit = 78

test('--help names every command and flag, --version is that of package.json', async (t) => {
  const folder = createFolder(t)
  for (const args of [['--help'], ['-h'], ['start', '--help'], ['check', '--help']]) {
    const help = runCli(t, folder, args)
    assert.equal(await help.exit(), 0)
    for (const word of ['start', 'check', 'mock', 'bench', '--config', '--host', '--port', '--log-level', 'APP_PORT', 'LOG_LEVEL']) assert.ok(help.stdout().includes(word), word)
    assert.equal(help.stderr(), '')
  }
  const version = runCli(t, folder, ['--version'])
  assert.equal(await version.exit(), 0)
  assert.equal(version.stdout(), `${packageVersion}\n`)
})

const refused: ReadonlyArray<[string[], RegExp]> = [
  [['serve'], /^unknown command serve\n\nbifrost - LLM gateway/],
  [['start', '--prot', '1'], /^Unknown option '--prot'[^]*Usage: bifrost/],
  [['--prot', '1'], /^Unknown option '--prot'/],
  [['check', 'extra'], /^Unexpected argument 'extra'/],
  [['start', '--port'], /argument missing/],
  [['start', '--port', 'abc'], /^--port must be a number from 0 to 65535, not abc\n$/],
  [['check', '--port', '70000'], /^--port = "70000": must be an integer from 0 to 65535\n$/],
  [['check', '--log-level', 'loud'], /^--log-level = "loud": must be one of: trace, /],
  [['check', '--config', 'nothing.json'], /^nothing\.json: the config file does not exist\n$/],
  [['start', '--config', 'nothing.json'], /^nothing\.json: the config file does not exist\n$/],
  [['mock', '--latency-ms', 'abc'], /latencyMs must be a number from 0 to/],
  [['mock', '--nonsense'], /^Unknown option '--nonsense'/]
]

test('what the command line does not know is refused with a word on it and exit code 78', async (t) => {
  const folder = createFolder(t)
  await Promise.all(refused.map(async ([args, pattern]) => {
    const run = runCli(t, folder, args)
    assert.equal(await run.exit(), configExit, args.join(' '))
    assert.match(run.stderr(), pattern)
    assert.equal(run.stdout(), '')
    assert.ok(!/\n\s+at /.test(run.stderr()), `a stack trace: ${run.stderr()}`)
  }))
})

test('check prints what would run and exits 0', async (t) => {
  const folder = createFolder(t, { providers: { mock: {}, openai: { keys: [{ name: 'main', value: 'env.OPENAI_API_KEY' }] }, replicate: {} }, governance: { a: 1 } })
  const run = runCli(t, folder, ['check'], { OPENAI_API_KEY: 'CANARY-key' })
  assert.equal(await run.exit(), 0)
  for (const line of [/^warning: governance: accepted but has no effect/m, /^warning: providers\.replicate: not supported by this version yet/m, /^listens on http:\/\/127\.0\.0\.1:8080, log level info$/m, /^openai: ready$/m, /^providers: 3, ready: 2$/m]) assert.match(run.stdout(), line)
  assert.ok(!(run.stdout() + run.stderr()).includes('CANARY'))
})

test('check reports every problem at once, exits with 78 and shows no secret', async (t) => {
  const folder = createFolder(t, {
    server: { port: 'CANARY' },
    sever: {},
    providers: { openai: { keys: [{ value: { key: 'CANARY' } }, { vaule: 'CANARY' }], network_config: { base_url: 'https://u:CANARY@x.example.com' } }, nosuch: {} }
  })
  for (const command of ['check', 'start']) {
    const run = runCli(t, folder, [command], { APP_PORT: 'CANARY', OPENAI_API_KEY: 'CANARY' })
    assert.equal(await run.exit(), configExit)
    const paths = run.stderr().trim().split('\n').map((line) => line.replace(/[ :].*/, '')).sort()
    assert.deepEqual(paths, ['APP_PORT', 'providers.nosuch', 'providers.openai.keys[0].value', 'providers.openai.keys[1].vaule', 'providers.openai.network_config.base_url', 'server.port', 'sever'])
    assert.ok(!run.stderr().replace('server.port = "CANARY"', '').includes('CANARY'), run.stderr())
  }
})

test('flags win over the environment, which wins over the file', async (t) => {
  const folder = createFolder(t, { server: { host: '127.0.0.1', port: 7001, log_level: 'warn' }, providers: { mock: {} } })
  const cases: ReadonlyArray<[string[], Record<string, string>, string]> = [
    [[], {}, 'listens on http://127.0.0.1:7001, log level warn'],
    [[], { APP_PORT: '', LOG_LEVEL: '', APP_HOST: '' }, 'listens on http://127.0.0.1:7001, log level warn'],
    [[], { APP_PORT: '7002', LOG_LEVEL: 'error', APP_HOST: '0.0.0.0' }, 'listens on http://0.0.0.0:7002, log level error'],
    [['--port', '7003', '--log-level', 'debug', '--host', '::1'], { APP_PORT: '7002', LOG_LEVEL: 'error', APP_HOST: '0.0.0.0' }, 'listens on http://[::1]:7003, log level debug']
  ]
  for (const [flags, environment, expected] of cases) {
    const run = runCli(t, folder, ['check', ...flags], environment)
    assert.equal(await run.exit(), 0, run.stderr())
    assert.equal(run.stdout().split('\n')[0], expected)
  }
})
