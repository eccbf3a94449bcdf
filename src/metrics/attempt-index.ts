import { cleanLabel } from './labels.ts'
import type { UpstreamSeries } from './upstream-series.ts'

/** Labels of one attempt, by value; the series for them is found or made. */
export interface UpstreamLabels {
  provider: string
  model: string
  alias: string
  /** Request type, for instance `chat_completion_stream`. */
  method: string
  selectedKeyId: string
  selectedKeyName: string
  fallbackIndex: number
  /** Values of the custom labels, in their order. */
  custom?: readonly string[]
}

interface Entry {
  readonly labels: UpstreamLabels
  readonly series: UpstreamSeries
}

/** Label sets that are compared one by one under the same model; the rest takes the slow way. */
const entriesPerModelMax = 16

/**
 * The fast way from labels to their series: one lookup by model, then comparisons. Building the key of
 * `SeriesTable` out of all labels costs several times as much, on every request. Holds only label sets
 * that need no cleaning, so nothing a client sends is kept beyond 128 characters.
 */
export class AttemptIndex {
  readonly #byModel = new Map<string, Entry[]>()
  readonly #entriesMax: number
  #entries = 0

  constructor (entriesMax: number) {
    this.#entriesMax = entriesMax
  }

  find (labels: UpstreamLabels): UpstreamSeries | undefined {
    const entries = this.#byModel.get(labels.model)
    if (entries === undefined) return undefined
    for (const entry of entries) {
      if (isSame(entry.labels, labels)) return entry.series
    }
    return undefined
  }

  add (labels: UpstreamLabels, series: UpstreamSeries): void {
    if (this.#entries >= this.#entriesMax || !isClean(labels)) return
    let entries = this.#byModel.get(labels.model)
    if (entries === undefined) this.#byModel.set(labels.model, entries = [])
    if (entries.length >= entriesPerModelMax) return
    entries.push({ labels: { ...labels, custom: labels.custom?.slice() }, series })
    this.#entries++
  }
}

function isSame (a: UpstreamLabels, b: UpstreamLabels): boolean {
  return a.provider === b.provider && a.method === b.method && a.selectedKeyId === b.selectedKeyId &&
    a.fallbackIndex === b.fallbackIndex && a.alias === b.alias && a.selectedKeyName === b.selectedKeyName &&
    isSameCustom(a.custom, b.custom)
}

function isSameCustom (a: readonly string[] | undefined, b: readonly string[] | undefined): boolean {
  if (a === undefined || b === undefined) return a === b
  if (a.length !== b.length) return false
  for (let index = 0; index < a.length; index++) {
    if (a[index] !== b[index]) return false
  }
  return true
}

function isClean (labels: UpstreamLabels): boolean {
  const { provider, model, alias, method, selectedKeyId, selectedKeyName, custom = [] } = labels
  return [provider, model, alias, method, selectedKeyId, selectedKeyName, ...custom].every((value) => cleanLabel(value) === value)
}
