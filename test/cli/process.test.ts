import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { promisify } from 'node:util'
import { chatBody } from '../helpers/gateway.ts'
import { eventually } from '../helpers/wait.ts'
import { childrenOf, createFolder, descendantsOf, isAlive, runCli, runNpmStart, startCli } from './spawn-cli.ts'
import type { ServingCli } from './spawn-cli.ts'

/** `bifrost start` as a process: what it prints, how it ends, what it survives. */
const shell = promisify(execFile)
const slowMock = { providers: { mock: { mock: { tokens: 1000, tokens_per_second: 5 } } } }

async function serves (url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/health`, { signal: AbortSignal.timeout(1_000) })).status === 200
  } catch {
    return false
  }
}

/** @returns the process that waits for the front's end, once there is one */
async function seeSpare (cli: ServingCli): Promise<number> {
  await eventually(() => childrenOf(cli.pid).length === 2, 'a spare front is started')
  return childrenOf(cli.pid).find((pid) => pid !== cli.frontPid) as number
}

/** Opens a stream and waits for its first event. */
async function openStream (url: string): Promise<Response> {
  const response = await fetch(`${url}/v1/chat/completions`, { method: 'POST', body: chatBody('mock/any', { stream: true }) })
  await response.body?.getReader().read()
  return response
}

test('without a config the mock serves, and the curl line of the banner works as printed', async (t) => {
  const cli = await startCli(t, createFolder(t))
  assert.match(cli.stderr(), /warning: no config file: serving the mock provider only/)
  const [, command = ''] = await cli.sees(/^\s+(curl .*)$/m)
  assert.ok(command.includes(cli.url), command)
  const { stdout } = await shell('sh', ['-c', `${command} --silent --show-error --max-time 10`])
  const answer = JSON.parse(stdout) as { object: string, choices: Array<{ message: { content: string } }> }
  assert.equal(answer.object, 'chat.completion')
  assert.match(String(answer.choices[0]?.message.content), /mock response/)
})

test('standard output has only JSON lines, with the request in one of them', async (t) => {
  const cli = await startCli(t, createFolder(t))
  await fetch(`${cli.url}/v1/chat/completions`, { method: 'POST', body: chatBody('mock/any'), headers: { 'x-request-id': 'the-id' } })
  await fetch(`${cli.url}/nowhere?key=CANARY`)
  cli.kill('SIGTERM')
  assert.equal(await cli.exit(), 0)
  const lines = cli.stdout().trim().split('\n').map((line) => JSON.parse(line) as { msg: string, requestId?: string, status?: number })
  assert.deepEqual(lines.filter(({ msg, requestId }) => msg === 'request' && requestId === 'the-id').map(({ status }) => status), [200])
  assert.ok(!cli.stdout().includes('CANARY'))
})

test('LOG_LEVEL and --log-level decide what is written', async (t) => {
  const folder = createFolder(t)
  for (const [args, environment, logs] of [[[], { LOG_LEVEL: 'silent' }, false], [['--log-level', 'info'], { LOG_LEVEL: 'silent' }, true]] as const) {
    const cli = await startCli(t, folder, ['start', ...args], { APP_PORT: '0', ...environment })
    await fetch(`${cli.url}/v1/chat/completions`, { method: 'POST', body: chatBody('mock/any') })
    cli.kill('SIGTERM')
    await cli.exit()
    assert.equal(cli.stdout() !== '', logs)
  }
})

test('SIGTERM and SIGINT end an idle gateway with code 0 within 2 s', async (t) => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const cli = await startCli(t, createFolder(t), ['--port', '0'])
    await fetch(`${cli.url}/v1/chat/completions`, { method: 'POST', body: chatBody('mock/any') })
    const startMs = performance.now()
    cli.kill(signal)
    assert.equal(await cli.exit(2_000), 0)
    t.diagnostic(`${signal}: ${Math.round(performance.now() - startMs)} ms`)
    assert.ok(!isAlive(cli.frontPid))
  }
})

test('SIGTERM to npm ends the gateway that npm start has started, like its own', async (t) => {
  const npm = runNpmStart(t, { APP_PORT: '0' })
  const [, url = ''] = await npm.sees(/Bifrost serves on (http:\/\/\S+)/)
  const started = descendantsOf(npm.pid)
  assert.ok(await serves(url))
  npm.kill('SIGTERM')
  assert.equal(await npm.exit(5_000), 0)
  assert.match(npm.stdout(), /"why":"SIGTERM".*"shutting down"/)
  assert.deepEqual(started.filter(isAlive), [])
})

test('SIGTERM lets a stream go on; the second one ends at once', async (t) => {
  const cli = await startCli(t, createFolder(t, slowMock))
  await openStream(cli.url)
  cli.kill('SIGTERM')
  await eventually(() => cli.stdout().includes('shutting down'), 'the gateway shuts down')
  await new Promise((resolve) => { setTimeout(resolve, 300) }) // time in which it must not end
  assert.ok(isAlive(cli.pid) && isAlive(cli.frontPid))
  const startMs = performance.now()
  cli.kill('SIGTERM')
  assert.equal(await cli.exit(2_000), 1)
  assert.ok(performance.now() - startMs < 1_000)
  assert.ok(!isAlive(cli.frontPid))
})

test('a front that dies of SIGABRT is replaced on the same port', async (t) => {
  const cli = await startCli(t, createFolder(t))
  // A connection that the front's end closes: the system keeps its port for a while.
  assert.ok(await serves(cli.url))
  const startMs = performance.now()
  process.kill(cli.frontPid, 'SIGABRT')
  await eventually(() => !isAlive(cli.frontPid), 'the front is gone')
  await eventually(() => serves(cli.url), 'it serves again')
  const tookMs = Math.round(performance.now() - startMs)
  t.diagnostic(`served again after ${tookMs} ms`)
  assert.ok(tookMs < 2_000, `${tookMs} ms`)
  assert.match(cli.stderr(), /the front process ended \(SIGABRT\), starting it again in 0 ms/)
  assert.equal(cli.stderr().match(/Bifrost serves on/g)?.length, 1)
  const answer = await fetch(`${cli.url}/v1/chat/completions`, { method: 'POST', body: chatBody('mock/any') })
  assert.equal(answer.status, 200)
  cli.kill('SIGTERM')
  assert.equal(await cli.exit(2_000), 0)
})

test('SIGHUP takes a changed file over, and harms no front that is only starting', async (t) => {
  const config = (model: string): object => ({ server: { port: 0, watch_config: false }, providers: { mock: { keys: [{ name: 'k', value: '', models: [model] }] } } })
  const folder = createFolder(t, config('first'))
  const cli = runCli(t, folder, ['start'])
  await eventually(() => childrenOf(cli.pid).length > 0, 'the front is started')
  cli.kill('SIGHUP')
  const [, url = ''] = await cli.sees(/Bifrost serves on (\S+)/)
  assert.doesNotMatch(cli.stderr(), /the front process ended/)
  const models = async (): Promise<string> => (await fetch(`${url}/v1/models`)).text()
  assert.match(await models(), /mock\/first/)
  writeFileSync(join(folder, 'bifrost.config.json'), JSON.stringify(config('second')))
  cli.kill('SIGHUP')
  await eventually(async () => (await models()).includes('mock/second'), 'the new file counts')
  cli.kill('SIGTERM')
  assert.equal(await cli.exit(2_000), 0)
})

test('the front that waited follows one that dies, with the config of that moment and on the same port', async (t) => {
  const config = (model: string): string => JSON.stringify({ server: { port: 0, watch_config: false }, providers: { mock: { keys: [{ name: 'k', value: '', models: [model] }] } } })
  const folder = createFolder(t)
  const path = join(folder, 'bifrost.config.json')
  writeFileSync(path, config('first'))
  const cli = await startCli(t, folder, ['start'])
  const sparePid = await seeSpare(cli)
  writeFileSync(path, config('second'))
  process.kill(cli.frontPid, 'SIGABRT')
  await eventually(() => !isAlive(cli.frontPid), 'the front is gone')
  await eventually(() => serves(cli.url), 'it serves again')
  assert.match(await (await fetch(`${cli.url}/v1/models`)).text(), /mock\/second/)
  // Of a process that only waits, the end is not told.
  process.kill(sparePid, 'SIGABRT')
  await eventually(() => cli.stderr().match(/the front process ended \(SIGABRT\)/g)?.length === 2, 'the spare was the front')
  await eventually(() => serves(cli.url), 'it serves once more')
  cli.kill('SIGTERM')
  assert.equal(await cli.exit(2_000), 0)
})

test('a spare front that dies is missed by nobody', async (t) => {
  const cli = await startCli(t, createFolder(t))
  const sparePid = await seeSpare(cli)
  process.kill(sparePid, 'SIGKILL')
  await eventually(() => childrenOf(cli.pid).length === 1, 'the supervisor knows')
  assert.equal(await serves(cli.url), true)
  process.kill(cli.frontPid, 'SIGABRT')
  await eventually(() => !isAlive(cli.frontPid), 'the front is gone')
  await checkServesAgain(cli)
})

/** How the system refuses a process: Node throws for some reasons and tells others later. */
const refusals = {
  'with an exception': "throw new Error('spawn ENOMEM')",
  'with an event': "return fork('', [], { execPath: '/nowhere/node' })"
}

/** A gateway whose supervisor was refused its second fork, the first spare, and the ones after it up to `refusedCount`; its front has just been ended. */
async function startRefused (t: TestContext, refusal: string, refusedCount: number): Promise<ServingCli> {
  const folder = createFolder(t)
  const preload = join(folder, 'preload.cjs')
  writeFileSync(preload, `const processes = require('node:child_process'), { fork } = processes; let forks = 0
    processes.fork = (...given) => { forks++; if (forks > 1 && forks <= ${1 + refusedCount}) { ${refusal} } return fork(...given) }
    require('node:module').syncBuiltinESMExports()`)
  const cli = await startCli(t, folder, ['start', '--port', '0'], { NODE_OPTIONS: `--require=${preload}` })
  await cli.sees(/no spare front process: Error: spawn /)
  process.kill(cli.frontPid, 'SIGABRT')
  await eventually(() => !isAlive(cli.frontPid), 'the front is gone')
  return cli
}

async function checkServesAgain (cli: ServingCli): Promise<void> {
  await eventually(() => serves(cli.url), 'it serves again')
  cli.kill('SIGTERM')
  assert.equal(await cli.exit(2_000), 0)
}

for (const [how, refusal] of Object.entries(refusals)) {
  test(`a spare front that cannot be started is told, and the gateway serves on: refused ${how}`, async (t) => {
    await checkServesAgain(await startRefused(t, refusal, 1))
  })

  test(`a front that cannot be started when no spare is there is tried again: refused ${how}`, async (t) => {
    const cli = await startRefused(t, refusal, 2)
    await cli.sees(/the front process could not be started \(Error: spawn .*\), starting it again in 1000 ms/)
    await checkServesAgain(cli)
  })
}

test('front and spare end with their supervisor, however that ends', async (t) => {
  for (const [signal, ending] of [['SIGTERM', 0], ['SIGKILL', 'SIGKILL']] as const) {
    const cli = await startCli(t, createFolder(t))
    const sparePid = await seeSpare(cli)
    cli.kill(signal)
    assert.equal(await cli.exit(5_000), ending)
    await eventually(() => !isAlive(cli.frontPid) && !isAlive(sparePid), `both are gone after ${signal}`, 5_000)
    assert.doesNotMatch(cli.stderr(), /unsettled|the front process ended/)
  }
})

test('a file that is broken when the front has to start again is waited for, not the end', async (t) => {
  const folder = createFolder(t, { server: { watch_config: false }, providers: { mock: {} } })
  const cli = await startCli(t, folder, ['start', '--port', '0'])
  const path = join(folder, 'bifrost.config.json')
  writeFileSync(path, '{')
  process.kill(cli.frontPid, 'SIGABRT')
  await cli.sees(/the front process ended \(code 78\), starting it again/)
  writeFileSync(path, '{"providers":{"mock":{}}}')
  await eventually(() => serves(cli.url), 'it serves again')
  cli.kill('SIGTERM')
  assert.equal(await cli.exit(2_000), 0)
})

test('a front whose supervisor is killed ends by itself', async (t) => {
  const cli = await startCli(t, createFolder(t))
  const startMs = performance.now()
  cli.kill('SIGKILL')
  await cli.exit() // the front holds the same pipes, so this includes its end
  await eventually(() => !isAlive(cli.frontPid), 'the front is gone', 5_000)
  t.diagnostic(`gone after ${Math.round(performance.now() - startMs)} ms`)
  assert.equal(await serves(cli.url), false)
})

test('a second gateway on the same port says so and exits with 69', async (t) => {
  const folder = createFolder(t)
  const first = await startCli(t, folder)
  const port = new URL(first.url).port
  const second = runCli(t, folder, ['start', '--port', port])
  assert.equal(await second.exit(), 69)
  assert.match(second.stderr(), new RegExp(`cannot listen on 127\\.0\\.0\\.1:${port}: EADDRINUSE\n$`))
  assert.equal(await serves(first.url), true)
})

test('SIGTERM during start ends it without leaving a front behind', async (t) => {
  const cli = runCli(t, createFolder(t), ['start', '--port', '0'])
  await eventually(() => childrenOf(cli.pid).length > 0, 'the front is started')
  const [frontPid = 0] = childrenOf(cli.pid)
  cli.kill('SIGTERM')
  await cli.exit(3_000)
  await eventually(() => !isAlive(frontPid), 'the front is gone', 3_000)
})

test('mock starts an upstream that answers as OpenAI would', async (t) => {
  const cli = runCli(t, createFolder(t), ['mock', '--port', '0', '--tokens', '3', '--latency-ms', '5'])
  const [, url = ''] = await cli.sees(/mock upstream on (http:\/\/127\.0\.0\.1:\d+)\n/)
  const response = await fetch(`${url}/v1/chat/completions`, { method: 'POST', body: chatBody('gpt-4o-mini') })
  assert.equal((await response.json() as { usage: { completion_tokens: number } }).usage.completion_tokens, 3)
  cli.kill('SIGTERM')
  assert.equal(await cli.exit(2_000), 'SIGTERM')
})
