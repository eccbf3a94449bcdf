import type { Settings } from '../api/settings.ts'
import { ConfigError } from '../config/config-error.ts'
import type { ConfigProblem } from '../config/config-error.ts'
import type { ConfigFile } from '../config/config-types.ts'
import { diffConfig } from '../config/diff.ts'
import type { ConfigChange } from '../config/diff.ts'
import type { LoadedConfig } from '../config/load.ts'

/** How a reload went. */
export type ReloadReport =
  | {
    ok: true
    /** Counts up with every change that was taken over; the same as before when nothing changed. */
    generation: number
    changes: ConfigChange[]
    /** Names of settings that differ from what runs and count from the next start on. */
    restartRequired: string[]
    warnings: string[]
  }
  /** Nothing has changed. */
  | { ok: false, problems: readonly ConfigProblem[] }

export interface ReloaderOptions {
  /** What runs now. */
  loaded: LoadedConfig
  /**
   * @param data in place of the file's content
   * @throws ConfigError
   */
  load: (generation: number, data?: unknown) => LoadedConfig
  /** @returns why new settings cannot be taken over now; null when they can */
  whyNot: () => string | null
  publish: (settings: Settings) => void
  onReload: (cause: string, report: ReloadReport) => void
}

/** Takes over a changed configuration: all of it or nothing. Each reload is one turn of the event loop, so two never mix. */
export class Reloader {
  private readonly options: ReloaderOptions
  /** What the process was started with: some settings stay as they were then. */
  private readonly started: Settings
  private running: LoadedConfig

  constructor (options: ReloaderOptions) {
    this.options = options
    this.running = options.loaded
    this.started = options.loaded.settings
  }

  get file (): ConfigFile { return this.running.file }

  /** @param cause why, for the log, such as `SIGHUP` */
  reload (cause: string): ReloadReport {
    return this.tell(cause, this.take(undefined, () => {}))
  }

  /**
   * Takes over what the management API made of the file.
   * @param store keeps it, once it is known to be good; a throw means that nothing changes
   */
  replace (cause: string, data: unknown, store: () => void): ReloadReport {
    return this.tell(cause, this.take(data, store))
  }

  private take (data: unknown, store: () => void): ReloadReport {
    const { running } = this
    const generation = running.settings.generation
    try {
      const next = this.options.load(generation + 1, data)
      const changes = diffConfig(running.file, next.file)
      const isSame = changes.length === 0
      const problem = isSame ? null : this.options.whyNot()
      if (problem !== null) return { ok: false, problems: [{ path: '(reload)', value: '', message: problem }] }
      store()
      if (!isSame) {
        this.running = next
        this.options.publish(next.settings)
      }
      return { ok: true, generation: isSame ? generation : generation + 1, changes, restartRequired: needRestart(this.started, next.settings), warnings: next.warnings }
    } catch (error) {
      if (error instanceof ConfigError) return { ok: false, problems: error.problems }
      throw error
    }
  }

  private tell (cause: string, report: ReloadReport): ReloadReport {
    this.options.onReload(cause, report)
    return report
  }
}

/** A socket stays where it listens, a metric keeps its labels, and pools are filled once. */
function needRestart (started: Settings, wanted: Settings): string[] {
  const names: string[] = []
  if (started.server.host !== wanted.server.host) names.push('server.host')
  if (started.server.port !== wanted.server.port) names.push('server.port')
  if (started.server.watchConfig !== wanted.server.watchConfig) names.push('server.watch_config')
  if (started.client.initialPoolSize !== wanted.client.initialPoolSize) names.push('client.initial_pool_size')
  if (started.client.prometheusLabels.join() !== wanted.client.prometheusLabels.join()) names.push('client.prometheus_labels')
  return names
}
