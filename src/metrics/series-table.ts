import { otherLabel } from './labels.ts'

/** Between label values in a key. `cleanLabel` leaves no control character, so keys are unambiguous. */
export const keySeparator = '\n'

/** Share of the table that is kept back for series whose client-chosen values were collapsed. */
const collapsedShare = 0.1

/**
 * The series of one family by their label values, never more than `seriesMax`:
 * - up to nine tenths: series as they come;
 * - then values that clients choose become `other`, the configured ones stay;
 * - at the last place, every value becomes `other`.
 * A series is never removed: that would look like a counter reset.
 */
export class SeriesTable<Series> {
  readonly #series = new Map<string, Series>()
  readonly #seriesMax: number
  readonly #ordinaryMax: number
  readonly #isClientChosen: (index: number) => boolean
  readonly #create: (values: readonly string[]) => Series

  constructor (seriesMax: number, isClientChosen: (index: number) => boolean, create: (values: readonly string[]) => Series) {
    if (!(seriesMax >= 1)) throw new RangeError('seriesMax must be at least 1')
    this.#seriesMax = seriesMax
    this.#ordinaryMax = seriesMax - Math.max(1, Math.floor(seriesMax * collapsedShare))
    this.#isClientChosen = isClientChosen
    this.#create = create
  }

  find (key: string): Series | undefined {
    return this.#series.get(key)
  }

  values (): IterableIterator<Series> {
    return this.#series.values()
  }

  /** For a key that `find` does not have; `values` are cleaned and in the order of the key. */
  add (values: readonly string[]): Series {
    if (this.#series.size < this.#ordinaryMax) return this.#findOrCreate(values, this.#ordinaryMax)!
    const collapsed = values.map((value, index) => value !== '' && this.#isClientChosen(index) ? otherLabel : value)
    return this.#findOrCreate(collapsed, this.#seriesMax - 1) ??
      this.#findOrCreate(values.map(() => otherLabel), Infinity)!
  }

  #findOrCreate (values: readonly string[], sizeMax: number): Series | undefined {
    const key = values.join(keySeparator)
    let series = this.#series.get(key)
    if (series === undefined && this.#series.size < sizeMax) {
      series = this.#create(values)
      this.#series.set(key, series)
    }
    return series
  }
}
