import type { Settings } from '../api/settings.ts'
import type { JobPool } from '../pool/job.ts'

/** One load of the configuration with what runs for it. A request keeps the one it began with. */
export class Generation {
  readonly settings: Settings
  readonly pools: ReadonlyMap<string, JobPool>
  private requests = 0
  private onIdle: (() => void) | null = null

  constructor (settings: Settings, pools: ReadonlyMap<string, JobPool>) {
    this.settings = settings
    this.pools = pools
  }

  /** For every request that begins. */
  enter (): void {
    this.requests++
  }

  /** For every request that has ended. */
  leave (): void {
    if (--this.requests === 0) this.onIdle?.()
  }

  /** No more requests begin with it. @param onIdle called when the last one has ended, which may be now */
  retire (onIdle: () => void): void {
    this.onIdle = onIdle
    if (this.requests === 0) onIdle()
  }
}
