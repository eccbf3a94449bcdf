import type { Reply } from '../api/reply.ts'
import { usageFields } from '../api/usage.ts'
import type { Usage } from '../api/usage.ts'
import type { ErrorRecord } from '../errors.ts'
import { resultFrameKinds } from './kinds.ts'

/**
 * Result frames, many per posted batch:
 *
 *   | length u32 (header included) | kind u32 | job id u32 | payload ... |
 *
 * usage    input, output, cached, cache write, reasoning, audio input, audio output, estimated tokens, each u32
 * reply    status u16, 0 u16, usage, upstream microseconds u32,
 *          splice offset u32 (of the body's last brace; 0xffffffff: not a JSON object),
 *          headers bytes u32, raw bytes u32 | headers | raw | body
 * head     status u16, 0 u16, upstream microseconds u32 | headers
 * chunk    whole SSE events
 * end      usage, upstream microseconds u32
 * failed   JSON: FailureRecord
 *
 * Headers are `name: value` lines joined by CR LF, which no header value can hold. The first one is `content-type` where the answer is
 * neither JSON nor a stream of events.
 */
const frameHeaderBytes = 12
const usageBytes = 4 * usageFields.length
const replyHeaderBytes = 20 + usageBytes
const headHeaderBytes = 8
const endBytes = usageBytes + 4
const noSplice = 0xffffffff

export interface FailureRecord {
  error: ErrorRecord
  /** Upstream's own headers, for instance `retry-after`. */
  headers: string
  upstreamMicroseconds: number
  usage: Usage
}

export interface ResultHandler {
  onReply (jobId: number, reply: Reply): void
  onHead (jobId: number, status: number, headers: string, upstreamMicroseconds: number): void
  /** `bytes` is a view of the batch and stays valid as long as it is referenced. */
  onChunk (jobId: number, bytes: Uint8Array): void
  onEnd (jobId: number, usage: Usage, upstreamMicroseconds: number): void
  onFailed (jobId: number, failure: FailureRecord): void
}

/** Collects the frames of one event-loop turn; `take` hands them over as one transferable buffer. */
export class ResultBatch {
  private buffer: Buffer
  private used = 0
  private chunkStart = -1
  private readonly capacityBytes: number

  /** @param capacityBytes what the batch keeps between turns; it grows for larger ones and shrinks back */
  constructor (capacityBytes = 64 * 1024) {
    this.capacityBytes = capacityBytes
    this.buffer = Buffer.allocUnsafeSlow(capacityBytes)
  }

  get isEmpty (): boolean {
    return this.used === 0
  }

  reply (jobId: number, reply: Reply): void {
    const headersBytes = Buffer.byteLength(reply.headers, 'latin1')
    const rawBytes = reply.raw === '' ? 0 : Buffer.byteLength(reply.raw)
    let at = this.open(resultFrameKinds.reply, jobId, replyHeaderBytes + headersBytes + rawBytes + reply.body.length)
    const buffer = this.buffer
    buffer.writeUInt32LE(reply.status, at)
    const rest = writeUsage(buffer, at + 4, reply.usage)
    buffer.writeUInt32LE(reply.upstreamMicroseconds >>> 0, rest)
    buffer.writeUInt32LE(reply.spliceOffset < 0 ? noSplice : reply.spliceOffset, rest + 4)
    buffer.writeUInt32LE(headersBytes, rest + 8)
    buffer.writeUInt32LE(rawBytes, rest + 12)
    at += replyHeaderBytes
    at += buffer.write(reply.headers, at, 'latin1')
    if (rawBytes > 0) at += buffer.write(reply.raw, at)
    buffer.set(reply.body, at)
  }

  head (jobId: number, status: number, headers: string, upstreamMicroseconds: number): void {
    const at = this.open(resultFrameKinds.head, jobId, headHeaderBytes + Buffer.byteLength(headers, 'latin1'))
    this.buffer.writeUInt32LE(status, at)
    this.buffer.writeUInt32LE(upstreamMicroseconds >>> 0, at + 4)
    this.buffer.write(headers, at + headHeaderBytes, 'latin1')
  }

  /** Starts a chunk frame; `append` fills it, `closeChunk` ends it. */
  openChunk (jobId: number): void {
    this.chunkStart = this.used
    this.open(resultFrameKinds.chunk, jobId, 0)
  }

  append (bytes: Uint8Array, start: number, end: number): void {
    this.reserve(end - start)
    // Short pieces are cheaper to copy here than through a call into native code.
    if (end - start < 64) for (let index = start; index < end; index++) this.buffer[this.used++] = bytes[index] as number
    else {
      this.buffer.set(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end), this.used)
      this.used += end - start
    }
  }

  appendAscii (text: string): void {
    this.reserve(text.length)
    for (let index = 0; index < text.length; index++) this.buffer[this.used++] = text.charCodeAt(index)
  }

  /** @returns payload bytes of the chunk; an empty chunk leaves nothing behind */
  closeChunk (): number {
    const bytes = this.used - this.chunkStart - frameHeaderBytes
    if (bytes === 0) this.used = this.chunkStart
    else this.buffer.writeUInt32LE(frameHeaderBytes + bytes, this.chunkStart)
    this.chunkStart = -1
    return bytes
  }

  end (jobId: number, usage: Usage, upstreamMicroseconds: number): void {
    const at = this.open(resultFrameKinds.end, jobId, endBytes)
    this.buffer.writeUInt32LE(upstreamMicroseconds >>> 0, writeUsage(this.buffer, at, usage))
  }

  failed (jobId: number, failure: FailureRecord): void {
    const json = Buffer.from(JSON.stringify(failure))
    const at = this.open(resultFrameKinds.failed, jobId, json.length)
    this.buffer.set(json, at)
  }

  /** @returns the frames as a buffer of its own, to be transferred */
  take (): ArrayBuffer {
    const memory = this.buffer.buffer as ArrayBuffer
    const used = this.used
    this.used = 0
    // A large batch is handed over as it is; a usual one is copied, so that the buffer is used again.
    if (used * 2 > memory.byteLength) {
      this.buffer = Buffer.allocUnsafeSlow(this.capacityBytes)
      return used === memory.byteLength ? memory : memory.slice(0, used)
    }
    return memory.slice(0, used)
  }

  private open (kind: number, jobId: number, payloadBytes: number): number {
    this.reserve(frameHeaderBytes + payloadBytes)
    const at = this.used
    this.buffer.writeUInt32LE(frameHeaderBytes + payloadBytes, at)
    this.buffer.writeUInt32LE(kind, at + 4)
    this.buffer.writeUInt32LE(jobId, at + 8)
    this.used = at + frameHeaderBytes + payloadBytes
    return at + frameHeaderBytes
  }

  private reserve (bytes: number): void {
    if (this.used + bytes <= this.buffer.length) return
    const grown = Buffer.allocUnsafeSlow(Math.max(this.buffer.length * 2, this.used + bytes))
    this.buffer.copy(grown, 0, 0, this.used)
    this.buffer = grown
  }
}

/** Walks a batch and calls the handler once per frame. */
export function readResultBatch (batch: ArrayBuffer, handler: ResultHandler): void {
  const buffer = Buffer.from(batch)
  let offset = 0
  while (offset < buffer.length) {
    const end = offset + buffer.readUInt32LE(offset)
    const kind = buffer.readUInt32LE(offset + 4)
    const jobId = buffer.readUInt32LE(offset + 8)
    const at = offset + frameHeaderBytes
    switch (kind) {
      case resultFrameKinds.reply: handler.onReply(jobId, readReply(buffer, at, end)); break
      case resultFrameKinds.head:
        handler.onHead(jobId, buffer.readUInt32LE(at), buffer.toString('latin1', at + headHeaderBytes, end), buffer.readUInt32LE(at + 4))
        break
      case resultFrameKinds.chunk: handler.onChunk(jobId, buffer.subarray(at, end)); break
      case resultFrameKinds.end: handler.onEnd(jobId, readUsage(buffer, at), buffer.readUInt32LE(at + usageBytes)); break
      case resultFrameKinds.failed: handler.onFailed(jobId, JSON.parse(buffer.toString('utf8', at, end)) as FailureRecord); break
      default: throw new RangeError(`unknown result frame kind ${kind}`)
    }
    offset = end
  }
}

/** @returns the offset after it */
function writeUsage (buffer: Buffer, at: number, usage: Usage): number {
  for (const field of usageFields) at = buffer.writeUInt32LE(usage[field], at)
  return at
}

function readUsage (buffer: Buffer, at: number): Usage {
  return {
    inputTokens: buffer.readUInt32LE(at),
    outputTokens: buffer.readUInt32LE(at + 4),
    cachedTokens: buffer.readUInt32LE(at + 8),
    cacheWriteTokens: buffer.readUInt32LE(at + 12),
    reasoningTokens: buffer.readUInt32LE(at + 16),
    audioInputTokens: buffer.readUInt32LE(at + 20),
    audioOutputTokens: buffer.readUInt32LE(at + 24),
    estimatedTokens: buffer.readUInt32LE(at + 28)
  }
}

function readReply (buffer: Buffer, at: number, end: number): Reply {
  const rest = at + 4 + usageBytes
  const splice = buffer.readUInt32LE(rest + 4)
  const headersStart = at + replyHeaderBytes
  const rawStart = headersStart + buffer.readUInt32LE(rest + 8)
  const bodyStart = rawStart + buffer.readUInt32LE(rest + 12)
  return {
    status: buffer.readUInt32LE(at),
    usage: readUsage(buffer, at + 4),
    upstreamMicroseconds: buffer.readUInt32LE(rest),
    spliceOffset: splice === noSplice ? -1 : splice,
    headers: buffer.toString('latin1', headersStart, rawStart),
    raw: buffer.toString('utf8', rawStart, bodyStart),
    body: buffer.subarray(bodyStart, end)
  }
}
