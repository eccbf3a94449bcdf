import { setImmediate } from 'node:timers/promises'
import type { MessagePort } from 'node:worker_threads'
import type { JobFrame } from '../../src/api/job.ts'
import type { ProviderSettings } from '../../src/api/settings.ts'
import type { AttemptContext } from '../../src/attempts/http-attempt.ts'
import { Results } from '../../src/attempts/results.ts'
import { StreamAttempt } from '../../src/attempts/stream-attempt.ts'
import { createOpenAiAdapter } from '../../src/providers/openai/adapter.ts'
import type { Upstream } from '../../src/upstream/upstream.ts'
import { collectResults } from '../frames/collect-results.ts'
import type { ResultFrame } from '../frames/collect-results.ts'
import { createProvider } from '../router/settings.ts'

/** A stream attempt without a socket: the test plays the upstream and reads the frames. */
export interface StreamHarness {
  attempt: StreamAttempt
  /** What was asked of the socket, in order. */
  calls: string[]
  settledIds: number[]
  /** Lets the batches of this turn leave. @returns all frames so far */
  frames (): Promise<ResultFrame[]>
}

export function createStreamHarness (job: JobFrame, extra: Partial<ProviderSettings> = {}, contentType: string | null = 'text/event-stream'): StreamHarness {
  const settings = createProvider('prov', extra)
  const batches: ArrayBuffer[] = []
  const calls: string[] = []
  const settledIds: number[] = []
  const call = { pause: () => { calls.push('pause') }, resume: () => { calls.push('resume') }, abort: () => { calls.push('abort') } }
  const context: AttemptContext = {
    settings,
    adapter: createOpenAiAdapter(settings),
    upstream: { send: () => call } as unknown as Upstream,
    results: new Results({ postMessage: (memory: ArrayBuffer) => { batches.push(memory) } } as unknown as MessagePort, () => 0),
    onSettled: (jobId) => { settledIds.push(jobId) }
  }
  const attempt = new StreamAttempt(context, job, performance.now())
  attempt.start()
  attempt.onStart()
  if (contentType !== null) attempt.onHead(200, { 'content-type': contentType, 'x-request-id': 'up-1' })
  return {
    attempt,
    calls,
    settledIds,
    frames: async () => {
      await setImmediate()
      return batches.flatMap((batch) => collectResults(batch))
    }
  }
}

/** The bytes that the client gets. */
export function chunksOf (frames: readonly ResultFrame[]): Buffer {
  return Buffer.concat(frames.flatMap((frame) => frame.kind === 'chunk' ? [frame.bytes] : []))
}
