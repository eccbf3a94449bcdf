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
  /** In the order of their start. */
  private readonly starting = new Set<ProviderThread>()

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
    // A thread that has a task reports its death by that task. This one had none yet: it failed to start (no file descriptor, no memory),
    // and piscina starts no other one for the task that waits for it. The task ends here, and its successor asks for a thread anew.
    this.piscina.on('error', () => { [...this.starting].at(-1)?.terminate() })
  }

  start (index: number, revisions: readonly Revision[], events: ThreadEvents): ProviderThread {
    const thread = new ProviderThread(index, this.settings.ringBytes, revisions, this.piscina, {
      ...events,
      onReady: () => {
        this.starting.delete(thread)
        events.onReady()
      },
      onEnd: (ended, reason, error) => {
        this.starting.delete(thread)
        events.onEnd(ended, reason, error)
      }
    })
    this.starting.add(thread)
    return thread
  }

  async destroy (): Promise<void> {
    await this.piscina.destroy()
  }
}
