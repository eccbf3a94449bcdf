import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ProviderSettings } from '../../src/api/settings.ts'
import type { TranslationContext } from '../../src/providers/family.ts'
import { loadProvider } from '../config/load-text.ts'

export interface DroppingContext extends TranslationContext {
  dropped: string[]
}

export function createContext (extra: Partial<TranslationContext> = {}): DroppingContext {
  const dropped: string[] = []
  return { model: 'gemini-2.5-flash', keyIndex: 0, stream: false, passExtraParams: false, drop: (member) => { if (!dropped.includes(member)) dropped.push(member) }, dropped, ...extra }
}

export const geminiSettings: ProviderSettings = loadProvider('gemini', { keys: [{ value: 'secret' }] })

const folder = join(process.cwd(), 'test/fixtures')

/** Golden files of a kind, for instance `gemini` and `request.json`, by name. */
export function readGolden (provider: string, kind: string): [string, string][] {
  return readdirSync(join(folder, provider)).filter((file) => file.endsWith(`.${kind}`)).map((file) => [file.slice(0, -kind.length - 1), readFileSync(join(folder, provider, file), 'utf8')])
}
