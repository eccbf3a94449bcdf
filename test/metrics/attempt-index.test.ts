import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AttemptIndex } from '../../src/metrics/attempt-index.ts'
import { UpstreamSeries } from '../../src/metrics/upstream-series.ts'
import { labels } from './fixtures.ts'

const series = new UpstreamSeries({}, { pairsLeft: 0 })

test('only an equal label set is found, field by field', () => {
  const index = new AttemptIndex(10)
  index.add({ ...labels, custom: ['a', 'b'] }, series)
  assert.equal(index.find({ ...labels, custom: ['a', 'b'] }), series)
  const others = [
    { provider: 'x' }, { model: 'x' }, { alias: 'x' }, { method: 'x' }, { selectedKeyId: 'x' }, { selectedKeyName: 'x' },
    { fallbackIndex: 1 }, { custom: undefined }, { custom: ['a'] }, { custom: ['a', 'c'] }
  ]
  for (const other of others) assert.equal(index.find({ ...labels, custom: ['a', 'b'], ...other }), undefined, JSON.stringify(other))
})

test('a caller may reuse its label object', () => {
  const index = new AttemptIndex(10)
  const reused = { ...labels, custom: ['a'] }
  index.add(reused, series)
  reused.provider = 'x'
  reused.custom[0] = 'x'
  assert.equal(index.find({ ...labels, custom: ['a'] }), series)
})

test('it keeps no more label sets than its bounds and none that is long or dirty', () => {
  const long = 'x'.repeat(129)
  const index = new AttemptIndex(3)
  for (const bad of [{ model: long }, { alias: long }, { custom: [long] }, { alias: 'a\nb' }]) {
    index.add({ ...labels, ...bad }, series)
    assert.equal(index.find({ ...labels, ...bad }), undefined)
  }
  const found = Array.from({ length: 5 }, (_, model) => {
    index.add({ ...labels, model: `m${model}` }, series)
    return index.find({ ...labels, model: `m${model}` }) !== undefined
  })
  assert.deepEqual(found, [true, true, true, false, false])
})
