import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Registry } from 'prom-client'
import { metricList } from '../../src/metrics/list.ts'
import { SeriesMetric } from '../../src/metrics/series-metric.ts'

function createMetric (count: number): { registry: Registry, metric: SeriesMetric<number> } {
  const registry = new Registry()
  const metric = new SeriesMetric(metricList.queueDepth, () => Array(count).keys(), (index, into) => {
    into.push({ value: index, labels: {}, sharedLabels: { provider: `p${index}` } })
  })
  metric.register(registry)
  return { registry, metric }
}

async function toPages (count: number): Promise<string[]> {
  const { registry, metric } = createMetric(count)
  const pages: string[] = []
  for await (const page of metric.pages(registry)) pages.push(page)
  return pages
}

test('the pages together are the text that the registry would give at once', async () => {
  for (const count of [1, 99, 100, 101, 350]) {
    const whole = await createMetric(count).registry.getSingleMetricAsString('bifrost_queue_depth')
    const pages = await toPages(count)
    assert.equal(pages.join('\n'), whole)
    assert.equal(pages.length, Math.ceil(count / 100))
  }
})

test('a metric without series still has its header', async () => {
  assert.deepEqual(await toPages(0), ['# HELP bifrost_queue_depth Requests waiting in the admission queue.\n# TYPE bifrost_queue_depth gauge'])
})

test('the JSON of the registry has whole label sets', async () => {
  const [metric] = await createMetric(1).registry.getMetricsAsJSON()
  assert.deepEqual({ ...metric }, {
    name: 'bifrost_queue_depth',
    help: 'Requests waiting in the admission queue.',
    type: 'gauge',
    aggregator: 'sum',
    values: [{ value: 0, labels: { provider: 'p0' } }]
  })
})
