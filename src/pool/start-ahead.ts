import type { ProviderSettings } from '../api/settings.ts'

interface StartablePool {
  readonly settings: ProviderSettings
  readonly hasThreads: boolean
  startThreads (): void
}

/**
 * Starts threads before their first request, which then does not wait for them: pool after pool, oldest first and in the order of the config, while fewer threads run than
 * there are cores. The threads of other providers start with their first request: each takes memory, and many a configured provider is rarely asked.
 * Providers that cannot answer, for want of a key, are passed over.
 */
export function startAhead (pools: readonly StartablePool[], coreCount: number): void {
  let running = pools.reduce((sum, { hasThreads, settings }) => sum + (hasThreads ? settings.threads : 0), 0)
  for (const pool of pools) {
    if (running >= coreCount) return
    if (pool.hasThreads || pool.settings.unavailableReason !== null) continue
    pool.startThreads()
    running += pool.settings.threads
  }
}
