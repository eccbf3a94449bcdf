import assert from 'node:assert/strict'
import { test } from 'node:test'
import { askChat } from '../helpers/ask.ts'
import { startTestGateway } from '../helpers/gateway.ts'

test('before a shutdown readiness fails while requests are still taken, for as long as load balancers need to notice', async (t) => {
  const gateway = await startTestGateway(t, { client: { pre_stop_delay_in_seconds: 1 }, providers: { mock: {} } })
  assert.equal((await fetch(`${gateway.url}/health/ready`)).status, 200)
  const startedAtMs = performance.now()
  const closed = gateway.close()
  assert.deepEqual(await Promise.all(['/health/ready', '/health', '/health/live'].map(async (path) => (await fetch(`${gateway.url}${path}`)).status)), [503, 503, 200])
  assert.equal((await askChat(gateway.port, 'mock/a')).status, 200)
  await closed
  // The timer may come a millisecond early.
  assert.ok(performance.now() - startedAtMs >= 998)
  await assert.rejects(fetch(`${gateway.url}/health/ready`))
})
