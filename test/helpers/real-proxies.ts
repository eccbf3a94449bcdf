import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { freePort } from '../../bench/lib/processes.ts'
import { startServer } from './real-server.ts'

/** What they let in. */
export const credentials = { username: 'gateway', password: 'pass.word-1' }

export interface RealProxy {
  url: string
  /** Targets that it was asked to connect to. */
  targets: () => string[]
}

/** Neither of these two takes a port of the system's choice. tinyproxy on a free port, with a password. It ends with the test. */
export async function startTinyproxy (t: TestContext): Promise<RealProxy> {
  const folder = mkdtempSync(join(tmpdir(), 'bifrost-tinyproxy-'))
  const [port, logPath] = [await freePort(), join(folder, 'log')]
  writeFileSync(join(folder, 'conf'), `Port ${port}\nListen 127.0.0.1\nLogFile "${logPath}"\nLogLevel Connect\nTimeout 60\nMaxClients 20\nBasicAuth ${credentials.username} ${credentials.password}\n`)
  await startServer(t, 'tinyproxy', ['-d', '-c', join(folder, 'conf')], () => isOpen(port))
  t.after(() => { rmSync(folder, { recursive: true }) })
  return { url: `http://127.0.0.1:${port}`, targets: () => [...readFileSync(logPath, 'utf8').matchAll(/Request \(file descriptor \d+\): CONNECT (\S+)/g)].map(([, target]) => target as string) }
}

/** microsocks on a free port, with a password. It ends with the test. */
export async function startMicrosocks (t: TestContext): Promise<RealProxy> {
  const port = await freePort()
  const log = await startServer(t, 'microsocks', ['-i', '127.0.0.1', '-p', String(port), '-u', credentials.username, '-P', credentials.password], () => isOpen(port))
  return { url: `socks5://127.0.0.1:${port}`, targets: () => [...log().matchAll(/connected to (\S+)/g)].map(([, target]) => target as string) }
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
