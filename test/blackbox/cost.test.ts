import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { askChat } from '../helpers/ask.ts'
import { startFaultUpstream } from '../helpers/fault-upstream.ts'
import { startTestGateway } from '../helpers/gateway.ts'
import { contentEvent, doneEvent, finishEvent } from '../helpers/sse.ts'

const usage = { prompt_tokens: 2_000, completion_tokens: 500, total_tokens: 2_500, prompt_tokens_details: { cached_tokens: 1_000 } }
const upstream = await startFaultUpstream({ after }, async (exchange) => {
  if (exchange.json.stream !== true) return exchange.answer(200, JSON.stringify({ id: 'x', object: 'chat.completion', choices: [{ index: 0, message: { role: 'assistant', content: 'Hello' }, finish_reason: 'stop' }], usage }))
  exchange.openStream()
  await exchange.write(`${contentEvent('Hello')}${finishEvent()}data: ${JSON.stringify({ id: 'x', choices: [], usage })}\n\n${doneEvent}`)
  exchange.end()
})
const gateway = await startTestGateway({ after }, { providers: { openai: { keys: [{ name: 'main', value: 'x', models: ['*'] }], network_config: { base_url: upstream.url } } } })
// gpt-4o-mini by its vendor's list: 0.15, cached 0.075, out 0.60 USD per million tokens
const costUsd = (1_000 * 0.15 + 1_000 * 0.075 + 500 * 0.60) / 1e6

test('an answer says what it cost, in its head and in its body', async () => {
  const { headers, json } = await askChat(gateway.port, 'openai/gpt-4o-mini')
  assert.equal(Number(headers['x-bifrost-cost-usd']), costUsd)
  assert.equal((json.extra_fields as { cost?: number }).cost, costUsd)
  assert.ok(Math.abs(await gateway.metric('bifrost_cost_total', { model: 'gpt-4o-mini' }) - costUsd) < 1e-12)
})

test('a stream is booked, too', async () => {
  const before = await gateway.metric('bifrost_cost_total', { model: 'gpt-4o-mini' })
  await askChat(gateway.port, 'openai/gpt-4o-mini', { stream: true })
  assert.ok(Math.abs(await gateway.metric('bifrost_cost_total', { model: 'gpt-4o-mini' }) - before - costUsd) < 1e-12)
})

test('an answer without a known price says nothing and counts as one', async () => {
  const { headers, json } = await askChat(gateway.port, 'openai/my-fine-tune')
  assert.equal(headers['x-bifrost-cost-usd'], undefined)
  assert.equal('cost' in (json.extra_fields as object), false)
  assert.equal(await gateway.metric('bifrost_unpriced_requests_total', { provider: 'openai' }), 1)
})
