import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { startTestGateway } from '../helpers/gateway.ts'
import type { TestGateway } from '../helpers/gateway.ts'
import { eventually } from '../helpers/wait.ts'

const server = { port: 0, watch_config: false }
const ringBytes = 1_048_576

function openai (keys: object[]): { openai: object } {
  return { openai: { keys, threads: 3, ring_bytes: ringBytes } }
}

const key = { name: 'one', value: 'x', models: ['*'], weight: 1 }

async function threadsOf (gateway: TestGateway): Promise<number> {
  return await gateway.metric('bifrost_ring_capacity_bytes', { provider: 'openai' }) / ringBytes
}

test('a provider has its threads before the first request', async (t) => {
  const gateway = await startTestGateway(t, { server, providers: openai([key]) })
  await eventually(async () => await threadsOf(gateway) === 3, 'its three threads are there')
})

test('a provider without a key has none until a reload brings the key', async (t) => {
  const gateway = await startTestGateway(t, { server, providers: openai([]) })
  // The page comes after what follows a start.
  await (await fetch(`${gateway.url}/health`)).text()
  assert.equal(await threadsOf(gateway), 0)
  writeFileSync(gateway.configPath, JSON.stringify({ server, providers: openai([key]) }))
  assert.equal(gateway.reload('test').ok, true)
  assert.equal(await threadsOf(gateway), 3)
})
