import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** `down` resets every connection that brings a request. */
export interface SwitchableUpstream {
  port: number
  isDown: boolean
  requests: number
  stop: () => Promise<void>
}

const answer = JSON.stringify({
  id: 'chatcmpl-1', object: 'chat.completion', created: 1, model: 'm', choices: [{ index: 0, message: { role: 'assistant', content: 'Hello' }, finish_reason: 'stop' }], usage: { prompt_tokens: 5, completion_tokens: 1, total_tokens: 6 }
})

/** A provider in this process that goes down and comes back, and counts who asks. For a few hundred requests per second. */
export async function startSwitchableUpstream (latencyMs: number): Promise<SwitchableUpstream> {
  const server = createServer((request, response) => {
    upstream.requests++
    if (upstream.isDown) {
      request.socket.resetAndDestroy()
      return
    }
    request.resume()
    setTimeout(() => { response.writeHead(200, { 'content-type': 'application/json' }).end(answer) }, latencyMs)
  })
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  const upstream: SwitchableUpstream = {
    port: (server.address() as AddressInfo).port,
    isDown: false,
    requests: 0,
    stop: async () => {
      server.closeAllConnections()
      await new Promise<void>((resolve) => { server.close(() => { resolve() }) })
    }
  }
  return upstream
}
