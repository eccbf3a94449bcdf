// Entry of the process that stands for Anthropic's Messages API; options as JSON in the first argument.
import { Server } from 'hyper-express'
import { createDelays } from '../../src/mock-upstream/delays.ts'
import { PacedStream } from '../../src/mock-upstream/paced-stream.ts'
import type { MockHttpRequest, MockResponse } from '../../src/mock-upstream/paced-stream.ts'
import { createStatistics } from '../../src/mock-upstream/statistics.ts'
import type { StreamFormat } from '../../src/mock-upstream/stream-format.ts'

export interface AnthropicMockOptions {
  port: number
  frames: number
  frameIntervalMs: number
}

/** As many as an answer of the OpenAI mock has. */
const answerBytes = 700
const model = 'claude-sonnet-4-5'
const streamMember = '"stream":true'
const options = JSON.parse(process.argv[2] ?? '{}') as AnthropicMockOptions
const delays = createDelays()
const statistics = createStatistics()
const answer = buildAnswer()
const format = buildFormat()

function messageOf (content: readonly object[], stopReason: string | null, outputTokens: number): object {
  return {
    id: 'msg_mock',
    type: 'message',
    role: 'assistant',
    model,
    content,
    stop_reason: stopReason,
    stop_sequence: null,
    usage: { input_tokens: 42, cache_creation_input_tokens: 0, cache_read_input_tokens: 0, output_tokens: outputTokens, service_tier: 'standard' }
  }
}

function buildAnswer (): Buffer {
  const withText = (text: string): string => JSON.stringify(messageOf([{ type: 'text', text }], 'end_turn', 64))
  const textBytes = answerBytes - withText('').length
  return Buffer.from(withText('plain words '.repeat(answerBytes).slice(0, textBytes)))
}

/** Nothing in it depends on the request, so all streams share it; only the stamp of a frame is new. */
function buildFormat (): StreamFormat {
  const event = (data: { type: string } & Record<string, unknown>): string => `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`
  const mark = '<stamp>'
  const [before = '', after = ''] = event({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: mark } }).split(mark)
  const head = event({ type: 'message_start', message: messageOf([], null, 1) }) +
    event({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } }) +
    event({ type: 'ping' })
  const tail = event({ type: 'content_block_stop', index: 0 }) +
    event({ type: 'message_delta', delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: options.frames } }) +
    event({ type: 'message_stop' })
  return { head, frame: (index, sentUs) => `${before}${index}@${sentUs};${after}`, tail: () => tail }
}

function respond (response: MockResponse, request: MockHttpRequest): void {
  if (request.getMethod() === 'get') {
    response.end('ready')
    return
  }
  let stream: PacedStream | null = null
  let aborted = false
  let body = ''
  // uWebSockets ends the process when a response is touched after its end.
  response.onAborted(() => {
    aborted = true
    stream?.stop()
  })
  response.onData((chunk, isLast) => {
    body += Buffer.from(chunk).toString('latin1')
    if (!isLast || aborted) return
    if (body.includes(streamMember)) {
      stream = new PacedStream({ response, format, frames: options.frames, intervalMs: options.frameIntervalMs, delays, statistics, onEnd: () => {} })
      stream.start()
      return
    }
    response.cork(() => {
      response.writeHeader('content-type', 'application/json')
      response.writeHeader('request-id', 'req_mock')
      response.end(answer)
    })
  })
}

const server = new Server({ auto_close: false })
await server.listen(options.port, '127.0.0.1')
// hyper-express adds its own `/*` when it starts to listen; the later registration is the one that counts.
server.uws_instance.any('/*', respond)
