import type { Metric, Registry } from 'prom-client'
import type { Labels } from './labels.ts'
import type { MetricRow } from './list.ts'

/** One line of the exposition, in prom-client's shape. */
export interface Sample {
  /** When it differs from the metric's name: `_bucket`, `_sum`, `_count`. */
  metricName?: string
  value: number
  labels: Labels
  /** Labels of the whole series. prom-client formats each such object once and remembers the text. */
  sharedLabels: Labels
}

/** Series that are printed without a break. 100 histograms are about 1,800 lines and a few milliseconds. */
const seriesPerPage = 100

/**
 * A metric whose values live in series objects of ours and are read when somebody scrapes. It stands
 * in the registry beside prom-client's own classes: those build a string out of all label values for
 * every update, here and at the scrape, and two different label sets may build the same one.
 */
export class SeriesMetric<Series> {
  readonly name: string
  readonly help: string
  readonly type: MetricRow['type']
  readonly aggregator = 'sum'
  readonly #list: () => Iterable<Series>
  readonly #collect: (series: Series, into: Sample[]) => void
  /** The series that the registry sees just now; null outside of `pages`, when it sees all. */
  #page: readonly Series[] | null = null

  constructor (row: MetricRow, list: () => Iterable<Series>, collect: (series: Series, into: Sample[]) => void) {
    this.name = row.name
    this.help = row.help
    this.type = row.type
    this.#list = list
    this.#collect = collect
  }

  /** What the registry calls for the text exposition. */
  getForPromString () {
    const values: Sample[] = []
    for (const series of this.#page ?? this.#list()) this.#collect(series, values)
    return { name: this.name, help: this.help, type: this.type, aggregator: this.aggregator, values }
  }

  /** What it calls for JSON and for aggregation, with whole label sets. */
  get () {
    const read = this.getForPromString()
    const values = read.values.map(({ sharedLabels, ...sample }) => ({ ...sample, labels: { ...sharedLabels, ...sample.labels } }))
    return { ...read, values }
  }

  register (registry: Registry): void {
    // The registry needs no more than the members above; its type asks for one of prom-client's classes.
    registry.registerMetric(this as unknown as Metric)
  }

  /** The metric's text in parts, so that the caller can let requests go on between them. */
  async * pages (registry: Registry): AsyncGenerator<string> {
    const all = [...this.#list()]
    for (let from = 0; from === 0 || from < all.length; from += seriesPerPage) {
      this.#page = all.slice(from, from + seriesPerPage)
      // The registry reads the values before its first await, so the page may go right after the call.
      const text = registry.getSingleMetricAsString(this.name)
      this.#page = null
      yield from === 0 ? await text : withoutHeader(await text)
    }
  }
}

/** Without the HELP and TYPE lines; empty when nothing else is there. */
function withoutHeader (text: string): string {
  const type = text.indexOf('\n') + 1
  const end = text.indexOf('\n', type)
  return end === -1 ? '' : text.slice(end + 1)
}
