import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { eventually, within } from './wait.ts'

/** What they let in. */
export const credentials = { username: 'gateway', password: 'pass.word-1' }

export interface RealProxy {
  url: string
  /** Targets that it was asked to connect to. */
  targets: () => string[]
}

/** tinyproxy on a free port, with a password. It ends with the test. */
export async function startTinyproxy (t: TestContext): Promise<RealProxy> {
  const folder = mkdtempSync(join(tmpdir(), 'bifrost-tinyproxy-'))
  const [port, logPath] = [await findFreePort(), join(folder, 'log')]
  writeFileSync(join(folder, 'conf'), `Port ${port}\nListen 127.0.0.1\nLogFile "${logPath}"\nLogLevel Connect\nTimeout 60\nMaxClients 20\nBasicAuth ${credentials.username} ${credentials.password}\n`)
  await run(t, 'tinyproxy', ['-d', '-c', join(folder, 'conf')], port)
  t.after(() => { rmSync(folder, { recursive: true }) })
  return { url: `http://127.0.0.1:${port}`, targets: () => [...readFileSync(logPath, 'utf8').matchAll(/Request \(file descriptor \d+\): CONNECT (\S+)/g)].map(([, target]) => target as string) }
}

/** microsocks on a free port, with a password. It ends with the test. */
export async function startMicrosocks (t: TestContext): Promise<RealProxy> {
  const port = await findFreePort()
  const log = await run(t, 'microsocks', ['-i', '127.0.0.1', '-p', String(port), '-u', credentials.username, '-P', credentials.password], port)
  return { url: `socks5://127.0.0.1:${port}`, targets: () => [...log().matchAll(/connected to (\S+)/g)].map(([, target]) => target as string) }
}

/** @returns what the process has written to stderr so far */
async function run (t: TestContext, command: string, options: readonly string[], port: number): Promise<() => string> {
  const child = spawn(command, options, { stdio: ['ignore', 'ignore', 'pipe'] })
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
    return await isOpen(port)
  }, `${command} listens`)
  return () => log
}

function isOpen (port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => { resolve(false) })
  })
}

/** Neither of them takes a port of the system's choice. */
async function findFreePort (): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
