import type { ProviderSettings } from '../api/settings.ts'

/** One version of a provider's settings. Threads know it by number, so that a frame can name it. */
export interface Revision {
  readonly number: number
  readonly settings: ProviderSettings
  /** Queued and running jobs that were made under it. */
  jobs: number
}

export interface RevisionEvents {
  onAdded (revision: Revision): void
  onForgotten (revision: Revision): void
}

/**
 * The versions of a provider's settings that are in use: the current one, and older ones as long as they have jobs. A
 * request keeps the settings it began with, so an old version may come back for another attempt of it.
 */
export class Revisions {
  private readonly known = new Map<ProviderSettings, Revision>()
  private readonly events: RevisionEvents
  private lastNumber = 0
  private current: Revision

  constructor (settings: ProviderSettings, events: RevisionEvents) {
    this.events = events
    this.current = this.add(settings)
  }

  get all (): readonly Revision[] { return [...this.known.values()] }

  /** The version that stays although it has no jobs. */
  turnTo (settings: ProviderSettings): void {
    const before = this.current
    this.current = this.known.get(settings) ?? this.add(settings)
    if (before !== this.current && before.jobs === 0) this.forget(before)
  }

  /** For every job, before it is queued. */
  enter (settings: ProviderSettings): Revision {
    const revision = settings === this.current.settings ? this.current : this.known.get(settings) ?? this.add(settings)
    revision.jobs++
    return revision
  }

  /** For every job, when it has ended. */
  leave (revision: Revision): void {
    if (--revision.jobs === 0 && revision !== this.current) this.forget(revision)
  }

  private add (settings: ProviderSettings): Revision {
    const revision = { number: ++this.lastNumber, settings, jobs: 0 }
    this.known.set(settings, revision)
    this.events.onAdded(revision)
    return revision
  }

  private forget (revision: Revision): void {
    this.known.delete(revision.settings)
    this.events.onForgotten(revision)
  }
}
