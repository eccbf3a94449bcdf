import assert from 'node:assert/strict'
import { test } from 'node:test'
import { countByProvider, createJob, noRecordings, readRecordings } from './recordings.ts'
import { dataOf, lastUsage, replayStream } from './replay-stream.ts'

const recordings = readRecordings('stream')
const skip = recordings.length === 0 ? noRecordings : false

test('recorded streams are finished, without an error, and their usage is the last that they report', { skip }, (t) => {
  for (const { name, operation, body } of recordings) {
    const { stream, kinds } = replayStream(createJob(operation), body)
    assert.equal(stream.finished, true, name)
    assert.equal(stream.error, null, name)
    assert.deepEqual(stream.usage, lastUsage(body), name)
    assert.ok(!kinds.includes('hidden') && !kinds.includes('error'), name)
    assert.equal(kinds.includes('done'), dataOf(body).includes('[DONE]'), name)
  }
  assert.ok(recordings.filter(({ body }) => lastUsage(body).outputTokens > 0).length > recordings.length / 2, 'most recordings report usage')
  t.diagnostic(countByProvider(recordings))
})

test('a recorded stream is not finished before its end is in sight', { skip }, () => {
  for (const { name, operation, body } of recordings) {
    // Everything up to the first event that says how the answer ended, found by the reference parser.
    const list = dataOf(body).filter((data) => data !== '[DONE]')
    const end = list.findIndex((data) => {
      const event = JSON.parse(data) as { type?: string, choices?: { finish_reason?: string | null }[] }
      return /^response\.(completed|incomplete|failed)$/.test(event.type ?? '') || (event.choices ?? []).some((choice) => typeof choice.finish_reason === 'string')
    })
    assert.ok(end >= 0, name)
    const before = Buffer.from(list.slice(0, end).map((data) => `data: ${data}\n\n`).join(''))
    assert.equal(replayStream(createJob(operation), before).stream.finished, false, name)
  }
})

test('each written event of a recording is the original and extra_fields, counted up', { skip }, (t) => {
  let events = 0
  for (const { name, operation, body } of recordings) {
    const original = dataOf(body)
    const written = dataOf(replayStream(createJob(operation), body, 17).output)
    assert.equal(written.length, original.length, name)
    for (const [index, data] of written.entries()) {
      if (data === '[DONE]') {
        assert.equal(original[index], data, name)
        continue
      }
      const { extra_fields: extra, ...rest } = JSON.parse(data) as Record<string, unknown>
      assert.deepEqual(rest, JSON.parse(original[index] as string), name)
      assert.deepEqual(extra, { provider: 'test', chunk_index: index, latency: 17 }, name)
      events++
    }
  }
  t.diagnostic(`${events} events of ${countByProvider(recordings)}`)
})

test('usage that the gateway asked for is hidden and nothing else is', { skip }, () => {
  for (const { name, operation, body } of recordings.filter((recording) => recording.operation === 'chat_completion')) {
    const shown = dataOf(replayStream(createJob(operation, { usageInjected: true }), body).output)
    const expected = dataOf(body).filter((data) => {
      if (data === '[DONE]') return true
      const { choices, usage } = JSON.parse(data) as { choices?: unknown[], usage?: unknown }
      return !(choices?.length === 0 && usage !== null && usage !== undefined)
    })
    assert.equal(shown.length, expected.length, name)
  }
})
