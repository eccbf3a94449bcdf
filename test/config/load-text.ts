import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ProviderSettings } from '../../src/api/settings.ts'
import { ConfigError } from '../../src/config/config-error.ts'
import type { Environment } from '../../src/config/environment.ts'
import { loadConfig } from '../../src/config/load.ts'
import type { LoadedConfig, LoadOptions } from '../../src/config/load.ts'

/** Loads this text, or this value as JSON, as the config file would be. */
export function load (content: unknown, environment: Environment = {}, overrides: LoadOptions['overrides'] = {}): LoadedConfig {
  const folder = mkdtempSync(join(tmpdir(), 'bifrost-config-'))
  try {
    const path = join(folder, 'bifrost.config.json')
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
    return loadConfig({ path, environment, overrides, generation: 1 })
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** The settings of the one provider called `name`. */
export function loadProvider (name: string, block: unknown, environment: Environment = {}, more: object = {}): ProviderSettings {
  const provider = load({ ...more, providers: { [name]: block } }, environment).settings.providers.find((one) => one.name === name)
  if (provider === undefined) throw new Error(`no provider ${name}`)
  return provider
}

/** The lines of the refusal; fails when the file loads. */
export function problemsOf (content: unknown, environment: Environment = {}, overrides: LoadOptions['overrides'] = {}): string[] {
  try {
    load(content, environment, overrides)
  } catch (error) {
    if (error instanceof ConfigError) return error.format().split('\n')
    throw error
  }
  throw new Error('the file was accepted')
}

export function providerProblems (name: string, block: unknown, environment: Environment = {}): string[] {
  return problemsOf({ providers: { [name]: block } }, environment)
}
