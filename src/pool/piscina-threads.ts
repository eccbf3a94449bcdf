import { Piscina } from 'piscina'
import type { ProviderSettings } from '../api/settings.ts'
import { ProviderThread } from './provider-thread.ts'
import type { ThreadEvents, Threads } from './provider-thread.ts'
import type { Revision } from './revisions.ts'
import { providerWorkerUrl } from './worker-url.ts'

/** The worker threads of one provider. Piscina owns them; each runs one task that never ends. */
export class PiscinaThreads implements Threads {
  private readonly settings: ProviderSettings
  private readonly piscina: Piscina

  constructor (settings: ProviderSettings) {
    this.settings = settings
    this.piscina = new Piscina({
      filename: providerWorkerUrl,
      minThreads: settings.threads,
      maxThreads: settings.threads,
      concurrentTasksPerWorker: 1,
      atomics: 'disabled',
      idleTimeout: Infinity,
      resourceLimits: { maxOldGenerationSizeMb: settings.maxHeapMb },
      env: {}
    })
    // A thread's death is reported by its own task; piscina's event would only repeat it.
    this.piscina.on('error', () => {})
  }

  start (index: number, revisions: readonly Revision[], events: ThreadEvents): ProviderThread {
    return new ProviderThread(index, this.settings.ringBytes, revisions, this.piscina, events)
  }

  async destroy (): Promise<void> {
    await this.piscina.destroy()
  }
}
