import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, openSync, closeSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { processTree, treeUsage } from './process-tree.ts'
import type { TreeUsage } from './process-tree.ts'

export interface StartOptions {
  name: string
  command: string
  args: readonly string[]
  env?: Record<string, string>
  cwd?: string
  /** Answers 200 as soon as the process can work. */
  readyUrl: string
  readyTimeoutMs?: number
  /** Standard output goes to this file; thrown away when absent. */
  stdoutFile?: string
}

export interface RunningProcess {
  name: string
  pid: number
  /** CPU and memory of the process and all its children. */
  usage(): TreeUsage
  stop(): Promise<void>
}

const stderrBytesMax = 8192
const stopTimeoutMs = 5000
const live = new Set<{ pid: number, stop: () => Promise<void> }>()
const directories = new Set<string>()
let cleanupInstalled = false
/** True once a signal asked the bench to end; nothing is started any more. */
let interrupted = false

/** Starts a process and waits until it answers. Whatever happens to the bench, the process ends with it. */
export async function startProcess (options: StartOptions): Promise<RunningProcess> {
  installCleanup()
  if (interrupted) throw new Error('interrupted')
  const stdout = options.stdoutFile === undefined ? 'ignore' as const : openSync(options.stdoutFile, 'a')
  const child = spawn(options.command, options.args, {
    cwd: options.cwd ?? makeTemporaryDirectory(),
    env: { ...process.env, ...options.env },
    stdio: ['ignore', stdout, 'pipe']
  })
  if (typeof stdout === 'number') closeSync(stdout)
  let stderr = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => { stderr = (stderr + text).slice(-stderrBytesMax) })
  const ended = new Promise<void>((resolve) => {
    child.once('error', (error) => { stderr += error.message; resolve() })
    child.once('exit', () => { resolve() })
  })
  const stop = async (): Promise<void> => {
    await stopTree(child, ended)
    live.delete(entry)
  }
  const entry = { pid: child.pid ?? 0, stop }
  if (entry.pid !== 0) live.add(entry)
  try {
    await waitUntilReady(options, ended)
  } catch (error) {
    await stop()
    throw new Error(`${options.name} did not start: ${(error as Error).message}\n${stderr}`)
  }
  return { name: options.name, pid: entry.pid, usage: () => treeUsage(entry.pid), stop }
}

/** Polls until the URL answers 200; throws when the process ends or the time is over. */
async function waitUntilReady (options: StartOptions, ended: Promise<void>): Promise<void> {
  const deadline = performance.now() + (options.readyTimeoutMs ?? 15_000)
  const state = { ended: false }
  void ended.then(() => { state.ended = true })
  while (!state.ended) {
    if (await answersOk(options.readyUrl)) return
    if (performance.now() > deadline) throw new Error(`${options.readyUrl} did not answer in time`)
    await delay(20)
  }
  throw new Error('the process ended')
}

export async function answersOk (url: string, timeoutMs = 1000): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs), headers: { connection: 'close' } })
    await response.arrayBuffer()
    return response.status === 200
  } catch {
    return false
  }
}

async function stopTree (child: ChildProcess, ended: Promise<void>): Promise<void> {
  if (child.pid === undefined) return
  // Listed before the signal: orphans no longer show whose children they were.
  const tree = processTree(child.pid)
  child.kill('SIGTERM')
  const cut = new AbortController()
  const timeout = delay(stopTimeoutMs, undefined, { signal: cut.signal }).catch(() => {})
  await Promise.race([ended, timeout])
  cut.abort()
  for (const pid of tree) killQuietly(pid, 'SIGKILL')
  await ended
}

function killQuietly (pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It has ended already.
  }
}

function installCleanup (): void {
  if (cleanupInstalled) return
  cleanupInstalled = true
  process.on('exit', () => {
    for (const { pid } of live) for (const member of processTree(pid)) killQuietly(member, 'SIGKILL')
    for (const directory of directories) rmSync(directory, { recursive: true, force: true })
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      // A second signal does not wait: the exit handler kills what is left.
      if (interrupted) process.exit(130)
      interrupted = true
      void Promise.all([...live].map(async (entry) => { await entry.stop() })).finally(() => process.exit(130))
    })
  }
}

/** A directory that is removed when the bench ends. */
export function makeTemporaryDirectory (): string {
  installCleanup()
  const directory = mkdtempSync(join(tmpdir(), 'bifrost-bench-'))
  directories.add(directory)
  return directory
}

export async function freePort (): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  await new Promise<void>((resolve) => { server.close(() => { resolve() }) })
  return port
}
