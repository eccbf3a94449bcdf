import { createServer } from 'node:http'
import type { IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Ajv2020 } from 'ajv/dist/2020.js'
import type { Owner } from '../../helpers/gateway.ts'

export interface FakeRequest {
  method: string
  /** With its query, as it came. */
  path: string
  headers: IncomingHttpHeaders
  body: Record<string, unknown>
  bytes: Buffer
}

/** `chunks` are written one by one, each in a turn of its own. */
export interface FakeAnswer {
  status?: number
  contentType: string
  headers?: Record<string, string>
  chunks: readonly (string | Uint8Array)[]
}

export interface FakeServer {
  url: string
  /** What was wrong with the requests that came; empty when all were as the vendor defines them. */
  problems: string[]
  requests: FakeRequest[]
}

/** A JSON answer. */
export function json (body: unknown, status = 200, headers: Record<string, string> = {}): FakeAnswer {
  return { status, contentType: 'application/json', headers, chunks: [JSON.stringify(body)] }
}

/** Throws what is wrong with a request; a fake answers it with 400 and notes it. */
export class Refusal extends Error {}

/** Nearly every body is valid: all the problems are only looked for when there is one. */
const quick = new Ajv2020({ strict: false })
const thorough = new Ajv2020({ strict: false, allErrors: true })

/** @returns a check of a body against a JSON Schema. @throws Refusal with every problem and its place */
export function checkerOf (schema: object): (body: unknown) => void {
  const isValid = quick.compile(schema)
  const validate = thorough.compile(schema)
  return (body) => {
    if (isValid(body)) return
    validate(body)
    throw new Refusal((validate.errors ?? []).map(({ instancePath, message, params }) => `${instancePath === '' ? '/' : instancePath} ${message} ${JSON.stringify(params)}`).join('; '))
  }
}

/** The vendor's server on a free port of 127.0.0.1: it knows requests only as the vendor defines them. */
export async function startFakeServer (owner: Owner, answer: (request: FakeRequest) => FakeAnswer): Promise<FakeServer> {
  const problems: string[] = []
  const requests: FakeRequest[] = []
  const server = createServer((request, response) => {
    const pieces: Buffer[] = []
    request.on('data', (piece: Buffer) => { pieces.push(piece) })
    request.on('end', () => {
      const bytes = Buffer.concat(pieces)
      const fake: FakeRequest = { method: request.method ?? '', path: request.url ?? '', headers: request.headers, body: {}, bytes }
      requests.push(fake)
      let said: FakeAnswer
      try {
        fake.body = parseBody(bytes.toString('utf8'), fake.headers['content-type'])
        said = answer(fake)
      } catch (error) {
        problems.push(`${fake.path}: ${(error as Error).message}`)
        said = json({ error: { message: `the fake refuses this: ${(error as Error).message}` } }, 400)
      }
      response.writeHead(said.status ?? 200, { 'content-type': said.contentType, ...said.headers })
      const write = (index: number): void => {
        if (index === said.chunks.length) response.end()
        else response.write(said.chunks[index] as string, () => { setImmediate(write, index + 1) })
      }
      write(0)
    })
  })
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  owner.after(() => new Promise<void>((resolve) => {
    server.close(() => { resolve() })
    server.closeAllConnections()
  }))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, problems, requests }
}

/** OAuth's token endpoints take forms, everything else is JSON. */
function parseBody (body: string, contentType = ''): Record<string, unknown> {
  if (contentType.startsWith('application/x-www-form-urlencoded')) return Object.fromEntries(new URLSearchParams(body))
  return JSON.parse(body) as Record<string, unknown>
}

/** Server-sent events, one chunk each. `name` null leaves the event line out. */
export function sse (events: readonly { name?: string, data: unknown }[], lineEnd = '\n'): string[] {
  return events.map(({ name, data }) => `${name === undefined ? '' : `event: ${name}${lineEnd}`}data: ${typeof data === 'string' ? data : JSON.stringify(data)}${lineEnd}${lineEnd}`)
}
