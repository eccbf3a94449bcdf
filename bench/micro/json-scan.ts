import { pathToFileURL } from 'node:url'
import { measure } from '../lib/micro.ts'
import { parseRequest } from '../../src/api/parse-request.ts'
import { scanJsonObject } from '../../src/api/json-scan.ts'
import { openAiRoute } from '../../test/helpers/routes.ts'

/**
 * What reading a request body costs: the scan, the whole parse of a request, and `JSON.parse` with its
 * decoding, for the sizes of a short question, a conversation and a document.
 * Run: node dist/bench/micro/json-scan.js
 */
const wanted = ['model', 'stream', 'fallbacks', 'stream_options', 'encoding_format', 'messages', 'prompt', 'input']

const sentence = 'The quick brown fox jumps over the "lazy" dog.\nAnd again: '

/** @param messageBytes text per message: many short ones, or few long ones */
function createBody (bytes: number, messageBytes: number): Buffer {
  const messages: object[] = []
  const toJson = (): string => JSON.stringify({ model: 'openai/gpt-4o-mini', stream: true, temperature: 0.7, max_tokens: 256, messages })
  const content = sentence.repeat(Math.ceil(messageBytes / sentence.length)).slice(0, messageBytes)
  for (let size = toJson().length; size < bytes || messages.length === 0; size += content.length + 34) messages.push({ role: 'user', content })
  return Buffer.from(toJson())
}

function measureBody (what: string, body: Buffer): Record<string, string | number> {
  const calls = Math.max(20, Math.min(100_000, Math.round(3e7 / body.length)))
  const scan = measure(calls, () => { scanJsonObject(body, wanted) })
  const request = measure(calls, () => { parseRequest(openAiRoute('chat_completion'), body) })
  const parse = measure(calls, () => { JSON.parse(body.toString('utf8')) })
  return { what, bytes: body.length, 'scan ns': scan, 'parseRequest ns': request, 'JSON.parse ns': parse, 'scan ns per byte': Math.round(scan / body.length * 100) / 100 }
}

export function run (): void {
  console.table([
    measureBody('a short question', createBody(230, 64)),
    measureBody('a conversation', createBody(10_000, 400)),
    measureBody('a document', createBody(1 << 20, 1 << 19)),
    measureBody('1 MB of short messages', createBody(1 << 20, 40))
  ])
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) run()
