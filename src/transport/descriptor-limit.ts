import { readFileSync } from 'node:fs'
import type { ProviderSettings } from '../api/settings.ts'

/** For files, threads and what else the process needs. */
const ownDescriptors = 64

/** How many files and sockets this process may have open; Infinity where that is not known (Linux tells). */
export function readDescriptorLimit (): number {
  try {
    const [, soft = ''] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
    return soft === '' ? Infinity : Number(soft)
  } catch {
    return Infinity
  }
}

/** What is left for clients once providers have as many connections as their concurrency allows; half of all at least. */
export function connectionsMaxOf (descriptorLimit: number, providers: readonly ProviderSettings[]): number {
  if (descriptorLimit === Infinity) return Infinity
  const upstream = providers.reduce((sum, { unavailableReason, kind, concurrency, connectionsPerOrigin }) => unavailableReason !== null || kind === 'mock' ? sum : sum + Math.min(concurrency, connectionsPerOrigin), 0)
  return Math.max(Math.floor(descriptorLimit / 2), descriptorLimit - ownDescriptors - upstream)
}
