import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GatewayError } from '../../src/errors.ts'
import { createSignal } from '../helpers/wait.ts'
import { jsonOf } from './raw-socket.ts'
import { startTransport } from './start-transport.ts'

test('a request is lone when nothing is open, and nothing was when the one before it came', async (t) => {
  const log: string[] = []
  const opened = createSignal()
  const release = createSignal()
  const { url } = await startTransport(t, {
    onLonePost: () => { log.push('lone') },
    handle: ({ id }) => {
      log.push(id)
      throw new GatewayError('BIFROST_SHUTTING_DOWN')
    },
    pages: {
      '/slow': async () => {
        opened.resolve()
        await release.promise
        return { status: 200, contentType: 'text/plain', body: 'ok' }
      }
    }
  })
  const post = async (id: string): Promise<void> => {
    const response = await fetch(`${url}/v1/chat/completions`, { method: 'POST', headers: { 'x-request-id': id }, body: jsonOf('a/b') })
    assert.equal(response.status, 503)
    await response.text()
  }
  for (const id of ['first', 'second']) await post(id)
  const slow = fetch(`${url}/slow`)
  await opened.promise
  await post('beside')
  release.resolve()
  await (await slow).text()
  for (const id of ['after', 'again']) await post(id)
  assert.deepEqual(log, ['first', 'lone', 'second', 'beside', 'after', 'lone', 'again'])
})
