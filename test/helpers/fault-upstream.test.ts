import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startFaultUpstream } from './fault-upstream.ts'
import { faults } from './faults.ts'
import { wholeStream } from './sse.ts'

test('a marked answer that is sent in pieces keeps characters that a cut runs through', async (t) => {
  const upstream = await startFaultUpstream(t, (exchange) => {
    exchange.mark = 'Z0ABC'
    return faults.slicer(wholeStream, 1, 1)(exchange)
  })
  const answer = await fetch(upstream.url, { method: 'POST', body: '{"stream":true}' })
  assert.equal(await answer.text(), wholeStream.replace('Hello', 'Z0ABC'))
})
