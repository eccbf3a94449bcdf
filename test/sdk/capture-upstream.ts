import { createServer } from 'node:http'
import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import OpenAI from 'openai'
import type { ClientOptions } from 'openai'
import type { Owner } from '../helpers/gateway.ts'

export interface CapturedRequest {
  method: string
  path: string
  headers: IncomingHttpHeaders
  body: string
  /** The same before decoding. */
  bytes: Buffer
}

export interface CaptureUpstream {
  url: string
  /** In the order of arrival. */
  requests: CapturedRequest[]
  /** Requests whose client left before the answer was complete. */
  aborted: number
  /** What the next requests get; a test sets it. */
  answer: (response: ServerResponse, request: CapturedRequest) => void
}

export const chatAnswer = {
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1,
  model: 'up-model',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Hello', refusal: null }, logprobs: null, finish_reason: 'stop' }],
  usage: { prompt_tokens: 3, completion_tokens: 1, total_tokens: 4 }
}

/** A plain node:http upstream that keeps what it was sent, byte for byte. */
export async function startCaptureUpstream (owner: Owner): Promise<CaptureUpstream> {
  const upstream: CaptureUpstream = { url: '', requests: [], aborted: 0, answer: (response) => { sendJson(response, 200, chatAnswer) } }
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => { chunks.push(chunk) })
    request.on('end', () => {
      const captured = { method: String(request.method), path: String(request.url), headers: request.headers, body: Buffer.concat(chunks).toString('utf8'), bytes: Buffer.concat(chunks) }
      upstream.requests.push(captured)
      upstream.answer(response, captured)
    })
    response.on('close', () => { if (!response.writableFinished) upstream.aborted++ })
  })
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  owner.after(async () => {
    server.closeAllConnections()
    server.close()
  })
  upstream.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return upstream
}

export function sendJson (response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(JSON.stringify(body))
}

/** Events as given, then the end of the body. */
export function sendEvents (response: ServerResponse, events: readonly unknown[], done = true): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  for (const event of events) response.write(`data: ${JSON.stringify(event)}\n\n`)
  response.end(done ? 'data: [DONE]\n\n' : '')
}

/** The official SDK, not retrying unless told to: retries hide failures and change counts. */
export function sdk (gatewayUrl: string, options: ClientOptions = {}): OpenAI {
  return new OpenAI({ apiKey: 'client-key', baseURL: `${gatewayUrl}/v1`, maxRetries: 0, ...options })
}
