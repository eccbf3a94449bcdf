import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { eventually, within } from '../helpers/wait.ts'

const cliPath = fileURLToPath(new URL('../../src/cli.js', import.meta.url))
const packageRoot = fileURLToPath(new URL('../../../', import.meta.url))

export interface CliRun {
  pid: number
  stdout: () => string
  stderr: () => string
  /** Exit code, or the signal's name. */
  exit: (limitMs?: number) => Promise<number | string>
  kill: (signal: NodeJS.Signals) => void
  /** Resolves with the match once standard error has it. */
  sees: (pattern: RegExp) => Promise<RegExpExecArray>
}

/** An empty folder to run in; with a config, it holds that as `bifrost.config.json`. */
export function createFolder (t: TestContext, config?: object): string {
  const folder = mkdtempSync(join(tmpdir(), 'bifrost-cli-'))
  t.after(() => { rmSync(folder, { recursive: true }) })
  if (config !== undefined) writeFileSync(join(folder, 'bifrost.config.json'), JSON.stringify(config))
  return folder
}

/** Runs the compiled `bifrost` as a user would; what is left of it ends with the test. */
export function runCli (t: TestContext, cwd: string, args: readonly string[], environment: Record<string, string> = {}): CliRun {
  return run(t, cwd, process.execPath, [cliPath, ...args], environment)
}

/** `npm start` without the build before it: the tests run what it would write. */
export function runNpmStart (t: TestContext, environment: Record<string, string>): CliRun {
  return run(t, packageRoot, 'npm', ['start', '--ignore-scripts'], environment)
}

function run (t: TestContext, cwd: string, command: string, args: readonly string[], environment: Record<string, string>): CliRun {
  const child = spawn(command, args, { cwd, env: { PATH: process.env['PATH'], ...environment }, stdio: ['ignore', 'pipe', 'pipe'] })
  const pid = child.pid as number
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk: Buffer) => { stdout += chunk.toString() })
  child.stderr.on('data', (chunk: Buffer) => { stderr += chunk.toString() })
  const closed = new Promise<number | string>((resolve) => { child.on('close', (code, signal) => { resolve(code ?? signal ?? 'unknown') }) })
  t.after(() => {
    for (const descendant of descendantsOf(pid)) killQuietly(descendant)
    child.kill('SIGKILL')
  })
  return {
    pid,
    stdout: () => stdout,
    stderr: () => stderr,
    exit: (limitMs = 10_000) => within(closed, `${command} ${args.join(' ')} ends; stderr: ${stderr.slice(-500)}`, limitMs),
    kill: (signal) => { child.kill(signal) },
    sees: async (pattern) => {
      await eventually(() => pattern.test(stderr), `stderr has ${String(pattern)}, has ${stderr.slice(-500)}`)
      return pattern.exec(stderr) as RegExpExecArray
    }
  }
}

export interface ServingCli extends CliRun {
  url: string
  frontPid: number
}

/** `bifrost start` on a free port, once it serves. */
export async function startCli (t: TestContext, cwd: string, args: readonly string[] = ['start', '--port', '0'], environment: Record<string, string> = {}): Promise<ServingCli> {
  const run = runCli(t, cwd, args, environment)
  const [, url = ''] = await run.sees(/Bifrost serves on (http:\/\/\S+)/)
  return { ...run, url, frontPid: childrenOf(run.pid)[0] as number }
}

/** Process ids of the children, from /proc; empty when the process is gone. */
export function childrenOf (pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter((text) => text.trim() !== '').map(Number)
  } catch {
    return []
  }
}

/** Children before their parents. */
export function descendantsOf (pid: number): number[] {
  return childrenOf(pid).flatMap((child) => [...descendantsOf(child), child])
}

/** False also for a zombie: an orphan stays one until the container's first process collects it. */
export function isAlive (pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

function killQuietly (pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended already.
  }
}
