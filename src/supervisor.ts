import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { exitCodes } from './exit-codes.ts'
import type { ReadyMessage } from './front.ts'
import { SpareFront } from './spare-front.ts'

/** Waits before a start after a crash, in turn; the first is immediate, so that one crash costs under 500 ms. */
const restartDelaysMs = [0, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000]
/** A front that lived this long starts over with the first wait. */
const stableMs = 60_000
/** What a front that has taken the place of another one gets to itself before the next one is loaded beside it. */
const spareDelayMs = 1_000

/**
 * Runs the front as a child and starts it again when it dies: a native crash (SIGABRT in the HTTP
 * server) ends a process, and no handler inside it can help. No native code is loaded here. States:
 * starting -> serving -> (crashed -> waiting -> starting) | stopping -> gone. While a front serves, a spare one
 * has loaded everything and waits for its turn, so that a crash costs little more than the listening.
 */
export function supervise (frontArguments: readonly string[]): void {
  const entry = new URL('./front.js', import.meta.url)
  // A group of its own: a Ctrl-C reaches the supervisor alone, which passes it on once.
  const forkFront = (more: readonly string[]): ChildProcess => fork(entry, [...frontArguments, ...more], { detached: true, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const spare = new SpareFront(() => forkFront(['--wait']))
  let child: ChildProcess
  let spareTimer: NodeJS.Timeout | undefined
  let port: number | null = null
  let crashes = 0
  let startedAtMs = 0
  let stopping = false
  let ready = false
  /** SIGHUP came while the front was starting: it may have read the file before. */
  let reloadAsked = false

  const start = (): void => {
    startedAtMs = performance.now()
    ready = false
    try {
      child = spare.take(port) ?? forkFront(port === null ? [] : ['--port', String(port)])
    } catch (error) {
      startAgainAfter(error)
      return
    }
    child.on('error', (error) => { if (child.pid === undefined) startAgainAfter(error) })
    child.on('message', (message: ReadyMessage) => {
      ready = true
      if (!stopping) spareTimer = setTimeout(() => { spare.keep() }, spareDelayMs)
      if (port === null) printBanner(message)
      port = message.port
      if (reloadAsked) reload()
    })
    child.on('exit', (code, signal) => {
      clearTimeout(spareTimer)
      // Once it has served, the file or the address will be good again: an edit in progress must not end the gateway.
      const hopeless = port === null && (code === exitCodes.config || code === exitCodes.address)
      if (stopping || code === 0 || hopeless) {
        spare.end()
        process.exit(code ?? 1)
      }
      startAgain(`ended (${signal ?? `code ${code}`})`)
    })
  }

  /** The system has refused the process: for want of memory, or of processes. Once there was one, there will be again. */
  const startAgainAfter = (error: unknown): void => {
    if (port === null) throw error
    startAgain(`could not be started (${String(error)})`)
  }

  const startAgain = (why: string): void => {
    if (performance.now() - startedAtMs > stableMs) crashes = 0
    const delayMs = restartDelaysMs[Math.min(crashes++, restartDelaysMs.length - 1)] as number
    process.stderr.write(`the front process ${why}, starting it again in ${delayMs} ms\n`)
    setTimeout(start, delayMs)
  }

  /** A front that is not ready yet does not know the signal, and would end. */
  const reload = (): void => {
    reloadAsked = !ready
    if (ready) child.kill('SIGHUP')
  }
  const passOn = (signal: NodeJS.Signals): void => {
    const again = stopping
    stopping = true
    clearTimeout(spareTimer)
    spare.end()
    if (!child.kill(signal) || child.exitCode !== null || child.signalCode !== null) process.exit(again ? 1 : 0)
  }
  process.on('SIGHUP', reload)
  process.on('SIGTERM', passOn)
  process.on('SIGINT', passOn)
  start()
  // A crash may come early. On one core the start would take twice as long.
  if (availableParallelism() > 1) spare.keep()
}

function printBanner ({ host, port, lines, exampleModel }: ReadyMessage): void {
  const shownHost = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
  const url = `http://${shownHost.includes(':') ? `[${shownHost}]` : shownHost}:${port}`
  process.stderr.write(`
Bifrost serves on ${url}
${lines.join('\n')}

Try it:
  curl ${url}/v1/chat/completions -H 'content-type: application/json' -d '{"model":"${exampleModel}","messages":[{"role":"user","content":"Hello"}]}'

`)
}
