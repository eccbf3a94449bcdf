import type { JobHead } from '../api/job.ts'
import type { Reply } from '../api/reply.ts'
import type { ProviderSettings } from '../api/settings.ts'
import { GatewayError } from '../errors.ts'
import type { Job, JobListener, JobPool } from '../pool/job.ts'
import type { Generation } from '../reload/generation.ts'

/** Whoever wants the list waits no longer than this for a provider, in milliseconds. */
const patienceMs = 5_000
const noBody = new Uint8Array(0)

/**
 * What a provider says it has, by the first of its keys that takes any model.
 * @returns null when it does not say, for whatever reason
 */
export function askForModels (provider: ProviderSettings, generation: Generation, nowMs: () => number): Promise<readonly string[] | null> {
  const pool = generation.pools.get(provider.name)
  if (pool === undefined) return Promise.resolve(null)
  generation.enter()
  return new Promise<readonly string[] | null>((resolve) => { new ModelQuestion(pool, provider, resolve).submit(nowMs() + patienceMs) }).finally(() => { generation.leave() })
}

class ModelQuestion implements JobListener {
  private readonly pool: JobPool
  private readonly provider: ProviderSettings
  private readonly resolve: (names: readonly string[] | null) => void
  private timer: NodeJS.Timeout | null = null
  private ended = false

  constructor (pool: JobPool, provider: ProviderSettings, resolve: (names: readonly string[] | null) => void) {
    this.pool = pool
    this.provider = provider
    this.resolve = resolve
  }

  submit (deadlineMs: number): void {
    const { pool, provider } = this
    try {
      const job: Job = pool.submit(this, provider, toHead(provider), [noBody], 0, { priority: 'low', deadlineMs })
      // It may have ended by now, and its slot may serve somebody else.
      if (!this.ended) this.timer = setTimeout(() => { pool.cancel(job) }, patienceMs)
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error
      this.end(null)
    }
  }

  onDispatched (): void {}
  onHead (): void {}
  onChunk (): void {}

  onReply ({ body }: Reply): void {
    this.end(JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8')) as string[])
  }

  onEnd (): void {
    this.end(null)
  }

  onFailed (): void {
    this.end(null)
  }

  private end (names: readonly string[] | null): void {
    this.ended = true
    if (this.timer !== null) clearTimeout(this.timer)
    this.resolve(names)
  }
}

function toHead (provider: ProviderSettings): JobHead {
  return {
    keyIndex: provider.keys.findIndex(({ enabled, models }) => enabled && models.includes('*')),
    dialect: 'openai',
    operation: 'list_models',
    stream: false,
    relay: false,
    passthrough: false,
    method: 'GET',
    usageInjected: false,
    base64Embeddings: false,
    sendBackRawRequest: false,
    sendBackRawResponse: false,
    freshConnection: false,
    jsonArray: false,
    passExtraParams: false,
    model: '',
    resource: '',
    contentType: '',
    extraFields: '',
    forwardedHeaders: '',
    directKey: ''
  }
}
