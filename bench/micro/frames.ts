import { pathToFileURL } from 'node:url'
import { measure } from '../lib/micro.ts'
import type { JobHead } from '../../src/api/job.ts'
import { readJobFrame, sizeOfJobFrame, writeJobFrame } from '../../src/frames/job-frame.ts'
import { readResultBatch, ResultBatch } from '../../src/frames/result-frame.ts'
import type { ResultHandler } from '../../src/frames/result-frame.ts'
import { createUsage } from '../../src/api/usage.ts'

/**
 * What writing and reading frames costs, and what a reused `ResultBatch` saves against a fresh buffer
 * per batch.
 * Run: node dist/bench/micro/frames.js
 */
const head: JobHead = {
  keyIndex: 0,
  dialect: 'openai',
  operation: 'chat_completion',
  stream: true,
  usageInjected: true,
  base64Embeddings: false,
  sendBackRawRequest: false,
  sendBackRawResponse: false,
  freshConnection: false,
  passExtraParams: false,
  relay: false,
  passthrough: false,
  method: 'POST',
  resource: '',
  contentType: '',
  jsonArray: false,
  model: 'gpt-4o-mini',
  extraFields: '"request_type":"chat_completion_stream","provider":"openai","original_model_requested":"gpt-4o-mini","resolved_model_used":"gpt-4o-mini"',
  forwardedHeaders: '',
  directKey: ''
}
const headers = 'x-ratelimit-remaining-requests: 9999\r\nopenai-processing-ms: 312\r\nx-upstream-request-id: req_0123456789abcdef'
const usage = createUsage(120, 64)
const event = Buffer.from(`data: ${JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion.chunk', choices: [{ index: 0, delta: { content: ' word' }, finish_reason: null }] })}\n\n`)

const ignore: ResultHandler = { onReply () {}, onHead () {}, onChunk () {}, onEnd () {}, onFailed () {} }

function measureJob (bodyBytes: number): Record<string, number> {
  const data = Buffer.alloc(1 << 20)
  const body = [Buffer.alloc(bodyBytes >> 1, 'x'), Buffer.alloc(bodyBytes - (bodyBytes >> 1), 'y')]
  return {
    [`job frame with ${bodyBytes} B body, size + write`]: measure(100_000, () => { writeJobFrame(data, 0, 7, head, sizeOfJobFrame(head, bodyBytes), body) }),
    [`job frame with ${bodyBytes} B body, read`]: measure(100_000, (index) => { readJobFrame(index, data, 0) })
  }
}

/** A turn's results: eight unary answers, or eight chunks of a stream event each. */
function writeReplies (batch: ResultBatch, body: Uint8Array): void {
  for (let jobId = 0; jobId < 8; jobId++) batch.reply(jobId, { status: 200, usage, upstreamMicroseconds: 1, spliceOffset: body.length - 1, headers, raw: '', body })
}

function writeChunks (batch: ResultBatch): void {
  for (let jobId = 0; jobId < 8; jobId++) {
    batch.openChunk(jobId)
    batch.append(event, 0, event.length)
    batch.closeChunk()
  }
}

function figures (): Record<string, number> {
  const batch = new ResultBatch()
  const reply = Buffer.alloc(700, 'x')
  writeReplies(batch, reply)
  const replies = batch.take()
  writeChunks(batch)
  const chunks = batch.take()
  const per8 = (ns: number): number => Math.round(ns / 8 * 10) / 10
  return {
    ...measureJob(230),
    ...measureJob(10_000),
    'reply of 700 B, write (batch of 8, reused)': per8(measure(20_000, () => {
      writeReplies(batch, reply)
      batch.take()
    })),
    'reply of 700 B, write (batch of 8, fresh 64 KiB each)': per8(measure(10_000, () => {
      const fresh = new ResultBatch()
      writeReplies(fresh, reply)
      fresh.take()
    })),
    'reply of 700 B, read (batch of 8)': per8(measure(30_000, () => { readResultBatch(replies, ignore) })),
    'chunk of one event, write (batch of 8, reused)': per8(measure(40_000, () => {
      writeChunks(batch)
      batch.take()
    })),
    'chunk of one event, write (batch of 8, fresh 64 KiB each)': per8(measure(10_000, () => {
      const fresh = new ResultBatch()
      writeChunks(fresh)
      fresh.take()
    })),
    'chunk of one event, read (batch of 8)': per8(measure(60_000, () => { readResultBatch(chunks, ignore) }))
  }
}

export function run (): void {
  console.table(Object.entries(figures()).map(([what, ns]) => ({ what, 'ns per operation': ns })))
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) run()
