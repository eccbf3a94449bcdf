import type { TestContext } from 'node:test'
import { Transport } from '../../src/transport/server.ts'
import type { TransportOptions } from '../../src/transport/server.ts'

/**
 * The transport without a gateway behind it, which ends with the test: the whole gateway has no place to aim at what these tests are about.
 */
export async function startTransport (t: TestContext, more: Partial<TransportOptions>): Promise<{ transport: Transport, port: number, url: string }> {
  const transport = new Transport({
    host: '127.0.0.1',
    port: 0,
    requestBodyBytesMax: 1024,
    slowClientTimeoutMs: 1_000,
    connectionsMax: Infinity,
    nowMs: () => performance.now(),
    onLonePost: () => {},
    onStreamGap: () => {},
    onFinished: () => {},
    ...more
  } as TransportOptions)
  const port = await transport.listen()
  t.after(() => { transport.destroy() })
  return { transport, port, url: `http://127.0.0.1:${port}` }
}
