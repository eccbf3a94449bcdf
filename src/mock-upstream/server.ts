import { createServer } from 'node:net'
import { Server } from 'hyper-express'
import { buildError, modelList } from './answers.ts'
import { createDelays } from './delays.ts'
import { Exchange } from './exchange.ts'
import type { MockContext } from './exchange.ts'
import { operationOf } from './operations.ts'
import { parseOptions } from './options.ts'
import type { MockUpstreamOptions } from './options.ts'
import type { MockHttpRequest, MockResponse } from './paced-stream.ts'
import { createRandom } from './random.ts'
import { createRequestMemo } from './request-body.ts'
import { createStatistics, resetStatistics } from './statistics.ts'

export interface MockUpstream {
  port: number
  close(): Promise<void>
}

/** Bodies above this are parsed each time, so that the memo holds no more than this. */
const memoBodyBytesMax = 4 * 1024 * 1024

/**
 * An upstream that speaks OpenAI's wire format on a real socket. It works on the uWebSockets app below
 * hyper-express, because it shares the machine with what it is there to measure.
 */
export async function startMockUpstream (given: Partial<MockUpstreamOptions> = {}): Promise<MockUpstream> {
  const options = parseOptions(given)
  const context: MockContext = {
    options,
    random: createRandom(options.seed),
    delays: createDelays(),
    statistics: createStatistics(),
    parse: createRequestMemo(memoBodyBytesMax)
  }
  await checkPortIsFree(options.host, options.port)
  const server = new Server({ auto_close: false })
  await server.listen(options.port, options.host)
  // hyper-express adds its own `/*` when it starts to listen; the later registration is the one that counts.
  server.uws_instance.any('/*', (response, request) => { route(context, response, request) })
  return {
    port: server.port,
    async close () {
      context.delays.close()
      server.uws_instance.close()
    }
  }
}

function route (context: MockContext, response: MockResponse, request: MockHttpRequest): void {
  const path = request.getUrl()
  const method = request.getMethod()
  const operation = method === 'post' ? operationOf(path) : undefined
  if (operation !== undefined) {
    // The exchange keeps itself alive through the callbacks that it registers.
    void new Exchange(context, operation, response, request)
  } else if (method === 'get' && path === '/v1/models') {
    sendJson(response, '200 OK', modelList)
  } else if (method === 'get' && path === '/mock/stats') {
    sendJson(response, '200 OK', JSON.stringify(context.statistics))
  } else if (method === 'post' && path === '/mock/reset') {
    resetStatistics(context.statistics)
    sendJson(response, '200 OK', JSON.stringify(context.statistics))
  } else {
    sendJson(response, '404 Not Found', buildError(404))
  }
}

function sendJson (response: MockResponse, status: string, body: string | Buffer): void {
  response.cork(() => {
    response.writeStatus(status)
    response.writeHeader('content-type', 'application/json')
    response.end(body)
  })
}

/** uWebSockets listens with SO_REUSEPORT: a second server would silently take half the connections. */
async function checkPortIsFree (host: string, port: number): Promise<void> {
  if (port === 0) return
  const probe = createServer()
  await new Promise<void>((resolve, reject) => {
    probe.once('error', reject)
    probe.listen({ host, port, exclusive: true }, resolve)
  })
  await new Promise<void>((resolve) => { probe.close(() => { resolve() }) })
}
