import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { JsonObject } from '../../src/api/chat.ts'

/** A recorded exchange in a provider's own words; `BIFROST_RECORDINGS` names the folder. */
export interface Exchange {
  /** `provider/file` */
  name: string
  path: string
  request: JsonObject
  status: number
  contentType: string
  body: Buffer
}

/** @returns empty when there is no folder of recordings */
export function readExchanges (provider: string, kind: 'stream' | 'unary' | 'error', path: RegExp): Exchange[] {
  const root = process.env.BIFROST_RECORDINGS ?? ''
  const folder = join(root, provider)
  if (root === '' || !existsSync(folder)) return []
  return readdirSync(folder).filter((file) => file.startsWith(`${kind}-`) && file.endsWith('.json')).sort().flatMap((file) => {
    const raw = JSON.parse(readFileSync(join(folder, file), 'utf8')) as { path: string, request: JsonObject, status: number, headers: Record<string, string>, encoding: BufferEncoding, body: string }
    if (!path.test(raw.path)) return []
    return [{ name: `${provider}/${file}`, path: raw.path, request: raw.request, status: raw.status, contentType: raw.headers['content-type'] ?? '', body: Buffer.from(raw.body, raw.encoding) }]
  })
}
