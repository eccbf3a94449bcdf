import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chatBody, startTestGateway } from '../helpers/gateway.ts'
import { RawClient } from '../helpers/http-client.ts'
import { pause } from '../helpers/wait.ts'

test('an answer says how long its connection may stay idle, and the connection lives as long as that', { timeout: 30_000 }, async (t) => {
  const gateway = await startTestGateway(t, { providers: { mock: {} } })
  const client = await RawClient.connect(gateway.port)
  t.after(() => { client.socket.destroy() })
  for (const more of [{}, { stream: true }]) {
    const response = await client.chat(chatBody('mock/any', more))
    await response.end()
    assert.equal(response.headers['keep-alive'], 'timeout=8')
    const seconds = Number(/\d+/.exec(response.headers['keep-alive'])?.[0])
    // The server looks at its connections every 4 seconds; in the last moment before the limit it must not have closed this one.
    await pause(seconds * 1_000 - 200)
    const next = await client.chat(chatBody('mock/any'))
    assert.equal(await next.end(), 'complete')
    assert.equal(next.status, 200)
  }
})
