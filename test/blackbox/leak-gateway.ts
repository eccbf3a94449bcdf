// The process under measurement of leak.test.ts: a gateway and nothing else. It is started with
// --expose-gc, says its port, and answers every message with figures taken after a collection.
import { writeFileSync } from 'node:fs'
import { startTestGateway, upstreamProvider } from '../helpers/gateway.ts'
import type { Owner } from '../helpers/gateway.ts'
import { takeProcessFigures } from '../helpers/process-figures.ts'
import type { ProcessFigures } from '../helpers/process-figures.ts'

export interface Figures extends ProcessFigures {
  load: { exchanges: number, jobs: number }
  /** Since the start. */
  reloads: number
}

const [upstreamUrl = '', mode = 'plain'] = process.argv.slice(2)
const isBusy = mode === 'busy'
const cleanups: (() => Promise<void>)[] = []
const owner: Owner = { after: (fn) => { cleanups.push(fn) } }

/** A file for every reload: a key of `up` changes its name, limits move, and a provider that nobody asks comes and goes. */
function toConfig (round: number): { server: object, providers: Record<string, object> } {
  // A worker thread that leaks 1 KiB per request meets the end of its heap here, and its restart is counted.
  const provider = (network: object = {}): object => upstreamProvider(upstreamUrl, { concurrency: 64 - round % 2, bufferSize: 1000, maxHeapMb: 48, network })
  const server = { port: 0, watch_config: false }
  if (!isBusy) return { server, providers: { up: provider() } }
  const up = {
    ...provider({ max_retries: 1, retry_backoff_initial: 1, retry_backoff_max: 2 }),
    custom_provider_config: { base_provider_type: 'openai' },
    keys: [{ name: `key-${round % 5}`, value: 'sk', models: ['*'], weight: 1 }],
    fallbacks: ['spare/ok'],
    hedging: { enabled: true, minimum_requests: 10, delay_min_in_seconds: 0, budget_percent: 100 },
    adaptive_concurrency: { enabled: true },
    stream_recovery: { enabled: true }
  }
  const extra: Record<string, object> = round % 2 === 0 ? {} : { extra: provider() }
  return { server, providers: { up, spare: provider(), ...extra } }
}

const gateway = await startTestGateway(owner, toConfig(0))
const reloadEveryMs = 100
let reloads = 0
let reloading: NodeJS.Timeout | undefined
startReloading()

function startReloading (): void {
  if (!isBusy) return
  reloading = setInterval(() => {
    writeFileSync(gateway.configPath, JSON.stringify(toConfig(++reloads)))
    if (!gateway.reload('leak test').ok) throw new Error('the file was not taken over')
  }, reloadEveryMs)
}

process.on('message', (message) => { void (message === 'measure' ? measure() : close()) })
process.send?.(gateway.port)

async function measure (): Promise<void> {
  clearInterval(reloading)
  await gateway.whenIdle()
  const figures: Figures = {
    ...await takeProcessFigures(() => { globalThis.gc?.() }),
    load: gateway.load(),
    reloads
  }
  process.send?.(figures)
  startReloading()
}

async function close (): Promise<void> {
  clearInterval(reloading)
  for (const cleanup of cleanups) await cleanup()
  process.disconnect()
}
