import { spawn } from 'node:child_process'
import type { TestContext } from 'node:test'
import { eventually, within } from './wait.ts'

/**
 * Starts a server of the system's packages, which ends with the test.
 * @returns when it answers, with what reads its stderr so far
 */
export async function startServer (t: TestContext, command: string, options: readonly string[], isReady: () => Promise<boolean>): Promise<() => string> {
  const child = spawn(command, options, { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin` } })
  let log = ''
  let problem: string | null = null
  child.stderr.on('data', (chunk: Buffer) => { log += chunk.toString() })
  child.on('error', () => { problem = `${command} is missing: scripts/system-packages.sh installs it` })
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => {
      problem ??= `${command} ended: ${log}`
      resolve()
    })
  })
  t.after(async () => {
    child.kill('SIGTERM')
    await within(ended, `${command} ends`)
  })
  await eventually(async () => {
    if (problem !== null) throw new Error(problem)
    return await isReady()
  }, `${command} answers`)
  return () => log
}
