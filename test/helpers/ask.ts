import assert from 'node:assert/strict'
import { chatBody } from './gateway.ts'
import { RawClient } from './http-client.ts'
import type { ClientResponse } from './http-client.ts'

/** A chat request on a connection of its own, read to the end of its answer. */
export async function askChat (port: number, model: string, more: object = {}, headers: Record<string, string> = {}): Promise<ClientResponse> {
  const client = await RawClient.connect(port)
  try {
    const response = await client.chat(chatBody(model, more), headers)
    assert.equal(await response.end(40_000), 'complete')
    return response
  } finally {
    client.socket.destroy()
  }
}
