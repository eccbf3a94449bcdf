import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startFaultUpstream } from '../helpers/fault-upstream.ts'
import { ok } from '../helpers/faults.ts'
import { askChat } from '../helpers/ask.ts'
import { startTestGateway, upstreamProvider } from '../helpers/gateway.ts'
import type { ClientResponse } from '../helpers/http-client.ts'
import { createSignal, eventually } from '../helpers/wait.ts'

test('a full queue makes room for higher priorities; who has to go is told when to come back, and the others run in order', async (t) => {
  const gate = createSignal()
  const upstream = await startFaultUpstream(t, async (exchange) => {
    await gate.promise
    await ok(exchange)
  })
  const gateway = await startTestGateway(t, { client: { drop_excess_requests: true }, providers: { up: upstreamProvider(upstream.url, { concurrency: 1, bufferSize: 4 }) } })
  const answers: Record<string, Promise<ClientResponse>> = {}
  let inside = 0
  /** @param replaces who has to go for it */
  const enter = async (name: string, priority: string | null, replaces: string | null = null): Promise<void> => {
    answers[name] = askChat(gateway.port, `up/${name}`, {}, priority === null ? {} : { 'x-bf-priority': priority })
    if (replaces === null) inside++
    else assertDropped(await (answers[replaces] as Promise<ClientResponse>))
    await eventually(() => gateway.load().jobs === inside, `${name} is inside`)
  }
  const assertDropped = (response: ClientResponse): void => {
    assert.deepEqual([response.status, response.json.error.type], [503, 'request_dropped'])
    assert.match(response.headers['retry-after'] ?? '', /^([1-9]|[1-5]\d|60)$/)
  }
  await enter('running', null)
  await upstream.whenRequests(1)
  await enter('low-1', 'low')
  await enter('low-2', 'low')
  assertDropped(await askChat(gateway.port, 'up/low-3', {}, { 'x-bf-priority': 'low' }))
  await enter('normal-1', 'normal')
  await enter('normal-2', null)
  await enter('normal-3', null, 'low-2')
  await enter('high-1', 'high', 'low-1')
  await enter('high-2', 'high', 'normal-3')
  assertDropped(await askChat(gateway.port, 'up/normal-4'))
  assert.equal(upstream.requestCount, 1)
  gate.resolve()
  for (const name of ['running', 'high-1', 'high-2', 'normal-1', 'normal-2']) assert.equal((await (answers[name] as Promise<ClientResponse>)).status, 200, name)
  assert.deepEqual(upstream.requests.map(({ body }) => (JSON.parse(body.toString()) as { model: string }).model), ['running', 'high-1', 'high-2', 'normal-1', 'normal-2'])
  for (const { headers } of upstream.requests) assert.deepEqual(Object.keys(headers).filter((name) => name.includes('priority')), [])
  await gateway.whenIdle()
  const sheds = await Promise.all(['high', 'normal', 'low'].map((priority) => gateway.metric('bifrost_sheds_total', { provider: 'up', priority })))
  assert.deepEqual(sheds, [0, 2, 3])
  assert.equal(await gateway.metric('bifrost_requests_dropped_total', { provider: 'up' }), 5)
  assert.equal(await gateway.metric('bifrost_concurrency_limit', { provider: 'up' }), 0, 'no model has a limit of its own')
})

test('a priority that there is not is refused, with what is allowed', async (t) => {
  const upstream = await startFaultUpstream(t, ok)
  const gateway = await startTestGateway(t, { providers: { up: upstreamProvider(upstream.url) } })
  const response = await askChat(gateway.port, 'up/m', {}, { 'x-bf-priority': 'urgent' })
  assert.equal(response.status, 400)
  assert.equal(response.json.error.message, 'x-bf-priority must be high, normal or low, not "urgent".')
  assert.equal(upstream.requestCount, 0)
  assert.equal((await askChat(gateway.port, 'up/m', {}, { 'x-bf-priority': 'low', 'x-bf-eh-x-bf-priority': 'high' })).status, 200)
  assert.deepEqual(Object.keys(upstream.requests[0]?.headers ?? {}).filter((name) => name.includes('priority')), [])
})

test('a request whose time is over while it waits is answered 504 and never sent', async (t) => {
  const gate = createSignal()
  const upstream = await startFaultUpstream(t, async (exchange) => {
    await gate.promise
    await ok(exchange)
  })
  const gateway = await startTestGateway(t, { providers: { up: upstreamProvider(upstream.url, { concurrency: 1 }) } })
  const running = askChat(gateway.port, 'up/m')
  await upstream.whenRequests(1)
  const late = await askChat(gateway.port, 'up/m', {}, { 'x-bf-request-timeout': '0.2' })
  assert.deepEqual([late.status, late.json.error.code], [504, 'BIFROST_DEADLINE_EXCEEDED'])
  gate.resolve()
  assert.equal((await running).status, 200)
  await gateway.whenIdle()
  assert.equal(upstream.requestCount, 1)
})
