import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { chatBody, startTestGateway } from '../helpers/gateway.ts'
import { RawClient } from '../helpers/http-client.ts'
import { eventually } from '../helpers/wait.ts'

test('a thread that cannot be replaced for want of file descriptors is replaced once there are some', { timeout: 60_000 }, async (t) => {
  const gateway = await startTestGateway(t, { providers: { mock: { mock: { thread_faults: true }, threads: 1 } } })
  const connect = async (): Promise<RawClient> => {
    const client = await RawClient.connect(gateway.port)
    t.after(() => { client.socket.destroy() })
    return client
  }
  // All that needs a descriptor is there before this process may have no more of them.
  const [client, killer, watcher] = [await connect(), await connect(), await connect()]
  const shell = spawn('sh', ['-c', 'while read -r limit; do prlimit --pid $PPID --nofile="$limit:" && echo done; done'], { stdio: ['pipe', 'pipe', 'inherit'] })
  const limitTo = async (descriptors: number): Promise<void> => {
    shell.stdin.write(`${descriptors}\n`)
    await once(shell.stdout, 'data')
  }
  const ask = async (from: RawClient, model: string): Promise<number> => {
    const response = await from.chat(chatBody(model))
    await response.end(30_000)
    return response.status
  }
  const restarts = async (): Promise<number> => {
    const response = await watcher.request('GET', '/metrics')
    await response.end()
    return Number(/^bifrost_thread_restarts_total\{.*reason="exit".*\} (\d+)$/m.exec(response.text)?.[1])
  }
  assert.equal(await ask(client, 'mock/m'), 200)
  // Or else a failed test could not end.
  t.after(async () => {
    await limitTo(1_024)
    shell.stdin.end()
  })
  await limitTo(3)
  const killed = ask(killer, 'mock/exit-thread')
  await eventually(async () => await restarts() >= 3, 'threads are started and fail')
  await limitTo(1_024)
  assert.equal(await killed, 502)
  assert.equal(await ask(client, 'mock/m'), 200)
})
