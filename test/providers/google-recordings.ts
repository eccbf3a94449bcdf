import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A real exchange with one of Google's APIs; `BIFROST_RECORDINGS` names the folder. */
export interface GoogleRecording {
  name: string
  provider: string
  model: string
  verb: string
  request: Record<string, unknown>
  status: number
  body: Buffer
}

/** @returns the recordings of a kind, empty when there is no folder of recordings */
export function readGoogleRecordings (kind: 'stream' | 'unary' | 'error', verbs: readonly string[]): GoogleRecording[] {
  const folder = process.env.BIFROST_RECORDINGS ?? ''
  if (folder === '' || !existsSync(folder)) return []
  return ['gemini', 'vertex'].flatMap((provider) => readdirSync(join(folder, provider)).filter((file) => file.startsWith(`${kind}-`)).flatMap((file) => {
    const raw = JSON.parse(readFileSync(join(folder, provider, file), 'utf8')) as { path: string, request: Record<string, unknown>, status: number, encoding: BufferEncoding, body: string }
    const [, model = '', verb = ''] = /models\/([^:/]+):(\w+)/.exec(raw.path) ?? []
    return verbs.includes(verb) ? [{ name: `${provider}/${file}`, provider, model, verb, request: raw.request, status: raw.status, body: Buffer.from(raw.body, raw.encoding) }] : []
  }))
}

/** Says how many recordings a test replayed, by provider. */
export function countOf (recordings: readonly GoogleRecording[]): string {
  const count = (name: string): number => recordings.filter(({ provider }) => provider === name).length
  return `${recordings.length} recordings: gemini ${count('gemini')}, vertex ${count('vertex')}`
}
