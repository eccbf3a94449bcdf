import { readResultBatch } from '../../src/frames/result-frame.ts'
import type { FailureRecord } from '../../src/frames/result-frame.ts'
import type { Reply } from '../../src/api/reply.ts'
import type { Usage } from '../../src/api/usage.ts'

/** A result frame as the handler saw it; bodies and chunks as copies. */
export type ResultFrame =
  | { kind: 'reply', jobId: number, reply: Reply }
  | { kind: 'head', jobId: number, status: number, headers: string, upstreamMicroseconds: number }
  | { kind: 'chunk', jobId: number, bytes: Buffer }
  | { kind: 'end', jobId: number, usage: Usage, upstreamMicroseconds: number }
  | { kind: 'failed', jobId: number, failure: FailureRecord }

export function collectResults (batch: ArrayBuffer): ResultFrame[] {
  const frames: ResultFrame[] = []
  readResultBatch(batch, {
    onReply: (jobId, reply) => { frames.push({ kind: 'reply', jobId, reply: { ...reply, body: Buffer.from(reply.body) } }) },
    onHead: (jobId, status, headers, upstreamMicroseconds) => { frames.push({ kind: 'head', jobId, status, headers, upstreamMicroseconds }) },
    onChunk: (jobId, bytes) => { frames.push({ kind: 'chunk', jobId, bytes: Buffer.from(bytes) }) },
    onEnd: (jobId, usage, upstreamMicroseconds) => { frames.push({ kind: 'end', jobId, usage, upstreamMicroseconds }) },
    onFailed: (jobId, failure) => { frames.push({ kind: 'failed', jobId, failure }) }
  })
  return frames
}
