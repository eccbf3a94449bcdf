import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { JobFrame } from '../../src/api/job.ts'
import type { Operation } from '../../src/api/operations.ts'

/** A real exchange with a provider; `BIFROST_RECORDINGS` names the folder. */
export interface Recording {
  /** `provider/file` */
  name: string
  provider: string
  operation: Operation
  request: unknown
  status: number
  contentType: string
  body: Buffer
}

/** Folders whose providers speak OpenAI's wire format on the paths below. */
const providers = ['azure', 'deepseek', 'fireworks', 'groq', 'mistral', 'ollama', 'openai', 'openrouter', 'perplexity', 'together', 'vllm', 'xai']
const operationOfPath: readonly [RegExp, Operation][] = [
  [/\/chat\/completions(\?|$)/, 'chat_completion'],
  [/\/responses(\?|$)/, 'responses'],
  [/\/embeddings(\?|$)/, 'embedding'],
  [/\/completions(\?|$)/, 'text_completion']
]

/** @returns the OpenAI-compatible recordings of a kind, empty when there is no folder of recordings */
export function readRecordings (kind: 'stream' | 'unary' | 'error'): Recording[] {
  const folder = process.env.BIFROST_RECORDINGS ?? ''
  if (folder === '' || !existsSync(folder)) return []
  return readdirSync(folder).filter((provider) => providers.includes(provider)).flatMap((provider) =>
    readdirSync(join(folder, provider)).filter((file) => file.startsWith(`${kind}-`) && file.endsWith('.json')).flatMap((file) => {
      const raw = JSON.parse(readFileSync(join(folder, provider, file), 'utf8')) as { path: string, request: unknown, status: number, headers: Record<string, string>, encoding: BufferEncoding, body: string }
      const operation = operationOfPath.find(([path]) => path.test(raw.path))?.[1]
      if (operation === undefined) return []
      return [{ name: `${provider}/${file}`, provider, operation, request: raw.request, status: raw.status, contentType: raw.headers['content-type'] ?? '', body: Buffer.from(raw.body, raw.encoding) }]
    }))
}

/** Says how many recordings a test replayed, by provider. */
export function countByProvider (recordings: readonly Recording[]): string {
  const counts = new Map<string, number>()
  for (const { provider } of recordings) counts.set(provider, (counts.get(provider) ?? 0) + 1)
  return `${recordings.length} recordings: ${[...counts].map(([provider, count]) => `${provider} ${count}`).join(', ')}`
}

export const noRecordings = 'BIFROST_RECORDINGS names no folder'

export function createJob (operation: Operation, extra: Partial<JobFrame> = {}): JobFrame {
  return {
    id: 1,
    revision: 1,
    keyIndex: 0,
    dialect: 'openai',
    operation,
    stream: true,
    usageInjected: false,
    base64Embeddings: false,
    sendBackRawRequest: false,
    sendBackRawResponse: false,
    freshConnection: false,
    passExtraParams: false,
    relay: false,
    passthrough: false,
    method: 'POST',
    resource: '',
    contentType: '',
    jsonArray: false,
    model: 'm',
    extraFields: '"provider":"test"',
    forwardedHeaders: '',
    directKey: '',
    body: Buffer.from('{}'),
    bodyInPort: false,
    ...extra
  }
}

/** @returns every recording of one provider whose path matches, of any API */
export function readRecordingsOf (provider: string, kind: 'stream' | 'unary' | 'error', path: RegExp): RawRecording[] {
  const folder = join(process.env.BIFROST_RECORDINGS ?? '', provider)
  if ((process.env.BIFROST_RECORDINGS ?? '') === '' || !existsSync(folder)) return []
  return readdirSync(folder).filter((file) => file.startsWith(`${kind}-`) && file.endsWith('.json')).flatMap((file) => {
    const raw = JSON.parse(readFileSync(join(folder, file), 'utf8')) as { path: string, request: unknown, status: number, headers: Record<string, string>, encoding: BufferEncoding, body: string }
    return path.test(raw.path) ? [{ name: `${provider}/${file}`, path: raw.path, request: raw.request, status: raw.status, contentType: raw.headers['content-type'] ?? '', body: Buffer.from(raw.body, raw.encoding) }] : []
  })
}

/** A real exchange, whatever its API. */
export interface RawRecording {
  /** `provider/file` */
  name: string
  path: string
  request: unknown
  status: number
  contentType: string
  body: Buffer
}
