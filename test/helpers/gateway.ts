import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadConfig } from '../../src/config/load.ts'
import type { LoadedConfig } from '../../src/config/load.ts'
import { createLogger } from '../../src/log.ts'
import { startGateway } from '../../src/main.ts'
import type { RunningGateway } from '../../src/main.ts'
import { parseExposition, select } from '../metrics/parse-exposition.ts'
import { eventually } from './wait.ts'

const silentLogger = createLogger({ level: 'silent' })

export interface TestGateway extends RunningGateway {
  url: string
  /** Its config file, which it watches. */
  configPath: string
  /** The sum of the samples of a metric that have these labels. */
  metric: (name: string, labels?: Record<string, string>) => Promise<number>
  /** Resolves when nothing is open and no job is in a slot. */
  whenIdle: () => Promise<void>
}

/** What things end with: a test's context, or `{ after }` of node:test for what a whole file shares. */
export interface Owner {
  after: (fn: () => Promise<void>) => void
}

/** A whole gateway in this process, from a config as a user writes it. It listens on a free port and ends with the test. */
export async function startTestGateway (t: Owner, config: { server?: object, client?: object, providers: Record<string, object> }, logger = silentLogger): Promise<TestGateway> {
  const folder = mkdtempSync(join(tmpdir(), 'bifrost-test-'))
  const path = join(folder, 'bifrost.config.json')
  writeFileSync(path, JSON.stringify({ ...config, server: { port: 0, ...config.server } }))
  const load = (generation: number, data?: unknown): LoadedConfig => loadConfig({ path, data, environment: {}, overrides: {}, generation })
  const running = await startGateway({ loaded: load(1), load, configPath: path, logger, version: '0.0.0' })
  t.after(async () => {
    await running.close()
    rmSync(folder, { recursive: true })
  })
  const url = `http://127.0.0.1:${running.port}`
  return {
    ...running,
    url,
    configPath: path,
    metric: async (name, labels) => {
      const exposition = parseExposition(await (await fetch(`${url}/metrics`)).text())
      return select(exposition, name, labels).reduce((sum, sample) => sum + sample.value, 0)
    },
    whenIdle: () => eventually(() => running.load().exchanges === 0 && running.load().jobs === 0, 'nothing is open any more')
  }
}

export interface UpstreamProviderOptions {
  concurrency?: number
  bufferSize?: number
  threads?: number
  /** Members of `network_config`. */
  network?: object
  maxHeapMb?: number
}

/** The config of a provider that speaks OpenAI's API at `url`. */
export function upstreamProvider (url: string, options: UpstreamProviderOptions = {}): object {
  const { concurrency = 1000, bufferSize = 5000, threads = 1, network = {}, maxHeapMb = 256 } = options
  return {
    custom_provider_config: { base_provider_type: 'openai', is_key_less: true },
    network_config: { base_url: url, ...network },
    concurrency_and_buffer_size: { concurrency, buffer_size: bufferSize },
    threads,
    max_heap_mb: maxHeapMb
  }
}

/** The body of a chat request. */
export function chatBody (model: string, more: object = {}): string {
  return JSON.stringify({ model, messages: [{ role: 'user', content: 'hello' }], ...more })
}
