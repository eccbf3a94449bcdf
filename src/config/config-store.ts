import { renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { ConfigError } from './config-error.ts'
import { readConfigFile } from './config-file.ts'
import { formatPath, isObject } from './json-path.ts'
import type { JsonPath } from './json-path.ts'
import { redacted, redactValue } from './redact.ts'

/** The config file as it was written: references to the environment in place, no defaults filled in. */
export type RawConfig = Record<string, unknown> & { providers: Record<string, unknown> }

/** @throws ConfigError */
export function readRawConfig (path: string): RawConfig {
  const data = readConfigFile(path)
  if (!isObject(data)) throw new ConfigError([{ path, value: '', message: 'must be an object' }])
  return { ...data, providers: isObject(data['providers']) ? data['providers'] : {} }
}

/** Replaces the file in one step: whoever reads it sees the old one or the new one. */
export function writeRawConfig (path: string, data: RawConfig): void {
  const temporary = `${path}.${process.pid}.tmp`
  try {
    writeFileSync(temporary, `${JSON.stringify(data, null, 2)}\n`, { mode: statSync(path).mode })
    renameSync(temporary, path)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  }
}

/**
 * A value that was shown redacted comes back as it was shown: what is kept stays.
 * @param kept what the file has there
 * @throws ConfigError for `<redacted>` where nothing is kept
 */
export function keepRedacted (value: unknown, kept: unknown, path: JsonPath): unknown {
  if (Array.isArray(value)) return value.map((item, index) => keepRedacted(item, counterpart(item, index, kept), [...path, index]))
  if (isObject(value)) return Object.fromEntries(Object.entries(value).map(([name, child]) => [name, keepRedacted(child, isObject(kept) ? kept[name] : undefined, [...path, name])]))
  if (typeof value !== 'string' || !value.includes(redacted)) return value
  if (isDeepStrictEqual(value, redactValue(kept, path))) return kept
  throw new ConfigError([{ path: formatPath(path), value: redacted, message: 'stands for a value that is kept, but none is kept there; send the value itself' }])
}

/** Items of lists are told apart by `id` or `name` where they have one, else by where they stand. */
function counterpart (item: unknown, index: number, kept: unknown): unknown {
  if (!Array.isArray(kept)) return undefined
  const name = isObject(item) ? item['id'] ?? item['name'] : undefined
  return name === undefined ? kept[index] : kept.find((other) => isObject(other) && (other['id'] ?? other['name']) === name)
}
