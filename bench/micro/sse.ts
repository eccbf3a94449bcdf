import { pathToFileURL } from 'node:url'
import { createParser } from 'eventsource-parser'
import { measure } from '../lib/micro.ts'
import type { JobFrame } from '../../src/api/job.ts'
import { ResultBatch } from '../../src/frames/result-frame.ts'
import { OpenAiStream } from '../../src/providers/openai/stream.ts'
import { SseSplitter } from '../../src/upstream/sse-splitter.ts'

/**
 * What one stream event costs on its way through the worker: splitter, translator, `extra_fields`,
 * result frame; against decoding, parsing and printing it.
 * Run: node dist/bench/micro/sse.js
 */
const events = 64
const chunk = (delta: object, finish: string | null): string => `data: ${JSON.stringify({ id: 'chatcmpl-0123456789', object: 'chat.completion.chunk', created: 1_787_150_229, model: 'gpt-4o-mini', choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }] })}\n\n`
const texts = [...Array.from({ length: events - 2 }, () => chunk({ content: ' word' }, null)), chunk({}, 'stop'), 'data: [DONE]\n\n']
const single = texts.map((text) => Buffer.from(text))
const whole = Buffer.concat(single)
/** As sockets deliver it: cut anywhere. */
const cut = Array.from({ length: Math.ceil(whole.length / 1448) }, (_, index) => whole.subarray(index * 1448, (index + 1) * 1448))

const job: JobFrame = {
  id: 1,
  revision: 1,
  keyIndex: 0,
  dialect: 'openai',
  operation: 'chat_completion',
  stream: true,
  usageInjected: false,
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
  directKey: '',
  body: Buffer.alloc(0),
  bodyInPort: false
}

const perEvent = (ns: number): number => Math.round(ns / events * 10) / 10

function measureSplitter (pieces: readonly Buffer[]): number {
  return perEvent(measure(2_000, () => {
    const splitter = new SseSplitter(1 << 20)
    for (const piece of pieces) splitter.push(piece, () => {})
  }))
}

function measureRelay (pieces: readonly Buffer[]): number {
  const batch = new ResultBatch()
  return perEvent(measure(1_500, () => {
    const splitter = new SseSplitter(1 << 20)
    const translator = new OpenAiStream('openai', job)
    for (const piece of pieces) {
      batch.openChunk(1)
      splitter.push(piece, (event) => {
        translator.write(event, translator.classify(event), 12, batch)
      })
      batch.closeChunk()
    }
    batch.take()
  }))
}

function measureParser (): number {
  return perEvent(measure(500, () => {
    const out: Buffer[] = []
    const parser = createParser({
      onEvent: ({ data }) => { out.push(Buffer.from(`data: ${data === '[DONE]' ? data : JSON.stringify({ ...JSON.parse(data) as object, extra_fields: { provider: 'openai' } })}\n\n`)) }
    })
    const decoder = new TextDecoder()
    for (const piece of cut) parser.feed(decoder.decode(piece, { stream: true }))
  }))
}

function figures (): Record<string, number> {
  return {
    'splitter alone, one event per read': measureSplitter(single),
    'splitter alone, reads of 1,448 B': measureSplitter(cut),
    'splitter + translator + frame, one event per read': measureRelay(single),
    'splitter + translator + frame, reads of 1,448 B': measureRelay(cut),
    'the same with eventsource-parser, JSON.parse and stringify': measureParser()
  }
}

export function run (): void {
  console.table(Object.entries(figures()).map(([what, ns]) => ({ what, 'ns per operation': ns })))
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) run()
