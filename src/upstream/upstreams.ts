import type { ProviderSettings } from '../api/settings.ts'
import { Upstream } from './upstream.ts'

/**
 * The connections of a thread, shared by all versions of the provider's settings that connect in the same way: a new
 * key or another weight must not cost the open sockets.
 */
export class Upstreams {
  private readonly onArrival: () => void
  private readonly byConnection = new Map<string, { upstream: Upstream, users: number }>()

  constructor (onArrival: () => void) {
    this.onArrival = onArrival
  }

  /** For each version once; `giveBack` undoes it. */
  take (settings: ProviderSettings): Upstream {
    const connection = connectionOf(settings)
    let entry = this.byConnection.get(connection)
    if (entry === undefined) this.byConnection.set(connection, entry = { upstream: new Upstream(settings, this.onArrival), users: 0 })
    entry.users++
    return entry.upstream
  }

  giveBack (settings: ProviderSettings): void {
    const connection = connectionOf(settings)
    const entry = this.byConnection.get(connection)
    if (entry === undefined || --entry.users > 0) return
    this.byConnection.delete(connection)
    void entry.upstream.destroy()
  }

  async destroy (): Promise<void> {
    const all = [...this.byConnection.values()]
    this.byConnection.clear()
    await Promise.all(all.map(({ upstream }) => upstream.destroy()))
  }
}

/** Everything that `Upstream` reads of the settings. */
function connectionOf ({ name, tls, proxy, timeouts }: ProviderSettings): string {
  return JSON.stringify([name, tls, proxy, timeouts.connectMs])
}
