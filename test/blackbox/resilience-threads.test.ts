import assert from 'node:assert/strict'
import { test } from 'node:test'
import { askChat } from '../helpers/ask.ts'
import { startTestGateway } from '../helpers/gateway.ts'
import { eventually } from '../helpers/wait.ts'

test('a thread that dies under many requests costs none of them: it says nothing about the provider', { timeout: 60_000 }, async (t) => {
  const gateway = await startTestGateway(t, {
    providers: { mock: { mock: { thread_faults: true, latency_ms: 300 }, threads: 1, circuit_breaker: { minimum_requests: 5 } } }
  })
  assert.equal((await askChat(gateway.port, 'mock/m')).status, 200)
  // Its latency is over 300 ms from now; what is left of its time is too little to try it again.
  const killer = askChat(gateway.port, 'mock/exit-thread', {}, { 'x-bf-request-timeout': '0.309' })
  await eventually(() => gateway.load().jobs === 1, 'it is in the thread')
  const bystanders = Array.from({ length: 50 }, (_, index) => askChat(gateway.port, 'mock/m', { stream: index % 2 === 0 }))
  await eventually(() => gateway.load().jobs === 51, 'all are in the thread')
  await killer
  for (const { status, text } of await Promise.all(bystanders)) assert.equal(status, 200, text)
  assert.equal(await gateway.metric('bifrost_thread_restarts_total', { provider: 'mock', reason: 'exit' }), 1)
  assert.equal(await gateway.metric('bifrost_breaker_transitions_total', { provider: 'mock', state: 'open' }), 0)
  assert.equal(await gateway.metric('bifrost_retries_total', { provider: 'mock' }), 50)
})
