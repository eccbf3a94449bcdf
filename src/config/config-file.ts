import { readFileSync, statSync } from 'node:fs'
import { ConfigError } from './config-error.ts'
import { parseJsonText } from './json-text.ts'

const fileBytesMax = 16 * 1024 * 1024

/** Reads and parses the config file. Throws `ConfigError` when it is not there or not JSON. */
export function readConfigFile (path: string): unknown {
  return parseJsonText(readText(path), path)
}

function readText (path: string): string {
  try {
    if (statSync(path).size > fileBytesMax) throw refusal(path, `is larger than ${fileBytesMax} bytes`)
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof ConfigError) throw error
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
    throw refusal(path, code === 'ENOENT' ? 'the config file does not exist' : `the config file cannot be read (${code})`)
  }
}

function refusal (path: string, message: string): ConfigError {
  return new ConfigError([{ path, value: '', message }])
}
