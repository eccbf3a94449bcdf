import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { progress } from './output.ts'

/** Installs the gateways that we compare with, in the versions of their lock file; returns where they are. */
export function installPeers (): string {
  const packageRoot = join(process.cwd(), 'bench', 'peers')
  if (!existsSync(join(packageRoot, 'package-lock.json'))) throw new Error('bench/peers is missing: run this from the root of the repository')
  if (existsSync(join(packageRoot, 'node_modules', '@portkey-ai', 'gateway'))) return packageRoot
  progress('installing the peers of bench/peers')
  const { status } = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: packageRoot, stdio: ['ignore', 'ignore', 'inherit'] })
  if (status !== 0) throw new Error('npm ci in bench/peers failed')
  return packageRoot
}
