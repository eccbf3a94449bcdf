import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { createLogger, logRequest, toRequestKindText } from '../src/log.ts'
import type { Logger, RequestKind, RequestLine } from '../src/log.ts'
import type { LogLevel } from '../src/api/settings.ts'

type FlatLine = Omit<RequestLine, 'kindText'> & RequestKind

/** As the booking does it: the kind's part first, then the request's. */
function logLine (logger: Logger, flat: FlatLine): void {
  logRequest(logger, { ...flat, kindText: toRequestKindText(flat) })
}

const line: FlatLine = {
  requestId: 'req-1',
  method: 'POST',
  path: '/v1/chat/completions',
  requestType: 'chat_completion',
  provider: 'openai',
  model: 'openai/gpt-4o-mini',
  resolvedModel: 'gpt-4o-mini',
  keyName: 'primary',
  status: 200,
  outcome: 'ok',
  durationMs: 812.4004999,
  upstreamMs: 811.9,
  queueMs: 0,
  inputTokens: 120,
  outputTokens: 64,
  estimatedTokens: 0,
  costUsd: 0.0012,
  requestBytes: 230,
  responseBytes: 700,
  trailText: '',
  stream: false
}

interface Captured { logger: Logger, path: string, text: () => Promise<string>, lines: () => Promise<Record<string, unknown>[]> }

function capture (t: TestContext, level: LogLevel = 'info'): Captured {
  const folder = mkdtempSync(join(tmpdir(), 'bifrost-log-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'log')
  const logger = createLogger({ level, destination: path })
  const text = async (): Promise<string> => {
    await new Promise<void>((resolve) => logger.flush(() => resolve()))
    return readFileSync(path, 'utf8')
  }
  const lines = async () => (await text()).split('\n').slice(0, -1).map((each) => JSON.parse(each) as Record<string, unknown>)
  return { logger, path, text, lines }
}

test('estimated tokens are said where there are any', async (t) => {
  const { logger, lines } = capture(t)
  logLine(logger, { ...line, estimatedTokens: 12 })
  const [written] = await lines()
  assert.deepEqual([written?.['outputTokens'], written?.['estimatedTokens']], [64, 12])
})

test('a request is one line of JSON with the pinned keys', async (t) => {
  const { logger, lines } = capture(t)
  const before = Date.now()
  logLine(logger, line)
  const [written, ...rest] = await lines()
  assert.equal(rest.length, 0)
  assert.deepEqual(Object.keys(written!), [
    'level', 'time', 'pid', 'requestId', 'method', 'path', 'requestType', 'provider', 'model', 'resolvedModel', 'keyName', 'stream', 'status',
    'outcome', 'durationMs', 'upstreamMs', 'queueMs', 'inputTokens', 'outputTokens', 'costUsd', 'requestBytes', 'responseBytes', 'msg'
  ])
  const { time, ...others } = written!
  const { trailText, estimatedTokens, ...logged } = line
  assert.equal(trailText, '')
  assert.equal(estimatedTokens, 0)
  assert.ok(Number(time) >= before && Number(time) <= Date.now())
  assert.deepEqual(others, { level: 30, pid: process.pid, ...logged, durationMs: 812.4, msg: 'request' })
})

test('the attempt trail stands in the line as it was put together', async (t) => {
  const { logger, lines } = capture(t)
  logLine(logger, { ...line, trailText: ',"attempts":2,"trail":[{"provider":"openai","code":"BIFROST_UPSTREAM_RESET"}]' })
  const { responseBytes, attempts, trail, msg } = (await lines())[0]!
  assert.deepEqual({ responseBytes, attempts, trail, msg }, { responseBytes: 700, attempts: 2, trail: [{ provider: 'openai', code: 'BIFROST_UPSTREAM_RESET' }], msg: 'request' })
})

test('the request line of a child logger carries its bindings', async (t) => {
  const { logger, lines } = capture(t)
  logLine(logger.child({ node: 'a"b' }), line)
  assert.equal((await lines())[0]!.node, 'a"b')
})

test('hostile strings stay on one line of valid JSON', async (t) => {
  const { logger, lines, text } = capture(t)
  const hostile = ['new\nline\r\u2028', 'quote " backslash \\ end\\', 'lone \ud800 low \udc00', 'nul \u0000 esc \u001b', '"},{"level":60', '\u{1f600}']
  for (const value of hostile) logLine(logger, { ...line, requestId: value, model: value, keyName: value, outcome: value })
  assert.equal((await text()).isWellFormed(), true)
  assert.deepEqual((await lines()).map((each) => each.model), hostile)
})

test('long strings are cut, also within a surrogate pair', async (t) => {
  const { logger, lines } = capture(t)
  logLine(logger, { ...line, model: 'x'.repeat(1_000_000), resolvedModel: 'x'.repeat(255) + '\u{1f600}' })
  const [written] = await lines()
  assert.equal(written!.model, 'x'.repeat(256))
  assert.equal(written!.resolvedModel, 'x'.repeat(255) + '\ud83d')
})

test('numbers that JSON does not know become null', async (t) => {
  const { logger, lines } = capture(t)
  logLine(logger, { ...line, durationMs: NaN, upstreamMs: Infinity, inputTokens: NaN })
  const [written] = await lines()
  assert.deepEqual([written!.durationMs, written!.upstreamMs, written!.inputTokens], [null, null, null])
})

test('the query string of a path is not logged: it may hold a key', async (t) => {
  const { logger, text } = capture(t)
  logLine(logger, { ...line, path: '/v1beta/models?key=CANARY' })
  assert.doesNotMatch(await text(), /CANARY/)
})

test('the level is respected', async (t) => {
  const { logger, lines } = capture(t, 'warn')
  logLine(logger, line)
  logger.info('no')
  logger.warn('yes')
  assert.deepEqual((await lines()).map((each) => each.msg), ['yes'])
  logger.level = 'info'
  logLine(logger, line)
  assert.equal((await lines()).length, 2)
})

test('values of secret names never appear, at any depth, in any case', async (t) => {
  const { logger, text } = capture(t)
  const names = ['authorization', 'Authorization', 'x-api-key', 'api-key', 'x-goog-api-key', 'x-bf-api-key', 'cookie', 'Set-Cookie', 'value', 'password', 'key', 'KEY']
  for (const name of names) {
    const secret = { [name]: 'CANARY', fine: 'visible' }
    logger.info(secret)
    logger.info({ headers: secret, list: [secret, [secret]] }, 'message')
    logger.info({ a: { b: { c: { d: { e: secret } } } } })
    logger.info({ [name]: secret })
    logger.child(secret).info('child')
    logger.child({ nested: { secret } }).info('child')
    logger.error(Object.assign(new Error('failed'), { request: secret }))
    logger.error({ err: Object.assign(new Error('failed'), secret), cause: Object.assign(new Error('x'), secret) })
    logger.error({ err: secret })
  }
  const all = await text()
  assert.doesNotMatch(all, /CANARY/)
  assert.match(all, /"authorization":"\[Redacted\]"/)
  assert.match(all, /"fine":"visible"/)
})

test('what is logged is not changed, and errors keep type, message and stack', async (t) => {
  const { logger, lines } = capture(t)
  const fields = { provider: { key: 'secret', url: 'u' } }
  logger.info(fields)
  logger.error({ err: new TypeError('bad') }, 'it failed')
  assert.deepEqual(fields, { provider: { key: 'secret', url: 'u' } })
  const [first, second] = await lines()
  assert.deepEqual(first!.provider, { key: '[Redacted]', url: 'u' })
  const error = second!.err as Record<string, string>
  assert.deepEqual([second!.msg, error.type, error.message], ['it failed', 'TypeError', 'bad'])
  assert.match(error.stack!, /log\.test/)
})

test('odd values neither throw nor break the line', async (t) => {
  const { logger, lines } = capture(t)
  const cycle: Record<string, unknown> = { name: 'c' }
  cycle.self = [cycle, cycle, cycle, cycle]
  logger.info(cycle)
  logger.info({ get broken () { throw new Error('no') } })
  logger.info({ date: new Date(0), none: null, missing: undefined, fn () {}, number: NaN, map: new Map() })
  logger.info({ err: 'just text' })
  const written = await lines()
  assert.equal(written.length, 4)
  assert.equal(written[1]!.unloggable, true)
  assert.deepEqual([written[2]!.date, written[2]!.none, written[3]!.err], ['1970-01-01T00:00:00.000Z', null, 'just text'])
})

/** Runs a script with the log on a pipe. */
function runChild (script: string, onPipe: (pipe: Readable, child: ChildProcess) => void) {
  const url = new URL('../src/log.js', import.meta.url).href
  const source = `const { createLogger, logRequest } = await import(${JSON.stringify(url)})\nconst line = ${JSON.stringify({ ...line, kindText: toRequestKindText(line) })}\n${script}`
  const child = spawn(process.execPath, ['--input-type=module', '-e', source], { stdio: ['ignore', 'pipe', 'pipe'], timeout: 20_000 })
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => { errors += text })
  onPipe(child.stdout, child)
  return once(child, 'close').then(([code, signal]) => ({ code: code as number | null, signal: signal as string | null, errors }))
}

test('a reader that leaves does not disturb the process', async () => {
  const { code, errors } = await runChild(`
    const logger = createLogger({ level: 'info' })
    for (let round = 0; round < 20; round++) {
      for (let index = 0; index < 500; index++) logRequest(logger, line)
      logger.error({ err: new Error('x') }, 'also')
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    await new Promise((resolve) => logger.flush(resolve))
    process.exitCode = 7`, (pipe) => pipe.destroy())
  assert.deepEqual({ code, errors }, { code: 7, errors: '' })
})

test('a reader that has left does not hold up the exit either', async () => {
  const { code, errors } = await runChild(`
    const logger = createLogger({ level: 'info' })
    await new Promise((resolve) => setTimeout(resolve, 100))
    logRequest(logger, line)
    process.exit(7)`, (pipe) => pipe.destroy())
  assert.deepEqual({ code, errors }, { code: 7, errors: '' })
})

test('every line that waits is written at exit', async () => {
  let text = ''
  const { code } = await runChild(`
    const logger = createLogger({ level: 'info' })
    for (let index = 0; index < 5; index++) logRequest(logger, line)
    process.exit(7)`, (pipe) => { pipe.on('data', (chunk: Buffer) => { text += chunk.toString() }) })
  assert.equal(code, 7)
  assert.equal(text.split('\n').length, 6)
})

test('a few lines are written within the flush interval, with nothing else going on', async () => {
  const { code } = await runChild(`
    const logger = createLogger({ level: 'info' })
    logRequest(logger, line)
    process.on('SIGTERM', () => process.exit(7))
    setTimeout(() => process.exit(8), 10000)`, (pipe, child) => {
    pipe.once('data', () => { child.kill('SIGTERM') })
  })
  assert.equal(code, 7)
})

test('a reader that takes nothing costs bounded memory, and the lost lines are counted', async () => {
  let text = ''
  const { code } = await runChild(`
    const logger = createLogger({ level: 'info' })
    for (let index = 0; index < 100000; index++) logRequest(logger, line)
    await new Promise((resolve) => logger.flush(resolve))
    process.exitCode = 7`, (pipe) => {
    setTimeout(() => pipe.on('data', (chunk: Buffer) => { text += chunk.toString() }), 300)
  })
  assert.equal(code, 7)
  const lines = text.split('\n').slice(0, -1).map((each) => JSON.parse(each) as { droppedLines?: number })
  const dropped = lines.reduce((sum, each) => sum + (each.droppedLines ?? 0), 0)
  const written = lines.filter((each) => each.droppedLines === undefined).length
  assert.ok(dropped > 0 && text.length < 20_000_000)
  assert.equal(written + dropped, 100_000)
})
