import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { ChatReply, ChatRequest } from '../../src/api/chat.ts'
import { GatewayError } from '../../src/errors.ts'
import type { FetchedFile } from '../../src/fetch/fetch-file.ts'
import type { MediaFetcher, WantedFile } from '../../src/fetch/media-fetcher.ts'
import type { Adapter, AdapterCall, AdapterRequest } from '../../src/providers/adapter.ts'
import { framings } from '../../src/upstream/splitters.ts'
import { createAdapter } from './create-adapter.ts'
import { answer, vendors } from './chat-vendors.ts'
import type { Ending, Vendor } from './chat-vendors.ts'
import { clientChat } from './client-arbitrary.ts'
import { createJob } from './recordings.ts'
import { dataOf } from './replay-stream.ts'

const chats = 10_000
const seed = Number(process.env['CHATS_SEED'] ?? 20_261_125)
const finishReasons = { text: 'stop', call: 'tool_calls', length: 'length' } as const

/** Where the outside world begins: every address has a picture, or a document. */
const web = {
  open: () => ({
    run: async (files: readonly WantedFile[]): Promise<FetchedFile[]> => files.map(({ mediaTypes }) => ({ mediaType: mediaTypes.includes('image/png') ? 'image/png' : 'application/pdf', bytes: Buffer.from('\x89PNG') })),
    end: () => {}
  })
} as unknown as MediaFetcher

/** @returns null when the request was refused; then `refusals` counts its member */
async function toUpstream (call: AdapterCall, refusals: Map<string, number>): Promise<AdapterRequest | null> {
  try {
    await call.prepare?.()
    const request = call.toRequest()
    assert.ok(!(request instanceof Promise), 'these credentials need no waiting')
    return request
  } catch (error) {
    if (!(error instanceof GatewayError) || error.code !== 'BIFROST_INVALID_REQUEST' || error.param === null) throw error
    const member = error.param.replace(/\d+/g, '*')
    refusals.set(member, (refusals.get(member) ?? 0) + 1)
    return null
  }
}

function checkReply (call: AdapterCall, vendor: Vendor, ending: Ending): void {
  const { body, usage } = call.fromReply(vendor.replies[ending], {})
  const reply = JSON.parse(Buffer.from(body).toString('utf8')) as ChatReply
  assert.equal(reply.object, 'chat.completion')
  const [choice] = reply.choices
  assert.equal(choice?.finish_reason, finishReasons[ending])
  if (ending === 'call') assert.deepEqual(choice.message.tool_calls?.map((one) => [one.function.name, JSON.parse(one.function.arguments)]), [[answer.name, answer.arguments]])
  else assert.equal(choice.message.content, answer.text)
  assert.deepEqual([usage.inputTokens, usage.outputTokens, reply.usage?.prompt_tokens, reply.usage?.completion_tokens], [11, 7, 11, 7])
}

interface Chunk { choices: { delta: { content?: string | null, tool_calls?: { function: { name?: string, arguments?: string } }[] }, finish_reason: string | null }[] }

function checkStream (call: AdapterCall, vendor: Vendor, ending: 'text' | 'call'): void {
  const stream = call.createStreamTranslator()
  const written: Buffer[] = []
  let isDone = false
  const sink = {
    append: (source: Uint8Array, start: number, end: number) => { written.push(Buffer.from(source.subarray(start, end))) },
    appendAscii: (text: string) => { written.push(Buffer.from(text, 'latin1')) }
  }
  framings[call.streamFraming].create(1 << 20).push(vendor.streams[ending], (event) => {
    const kind = stream.classify(event)
    assert.notEqual(kind, 'error', stream.error?.message)
    isDone ||= kind === 'done'
    if (kind !== 'hidden') stream.write(event, kind, 5, sink)
  })
  if (!isDone) written.push(Buffer.from(stream.takeMissingEnd()))
  const said = dataOf(Buffer.concat(written))
  assert.equal(said.pop(), '[DONE]')
  const choices = said.flatMap((data) => (JSON.parse(data) as Chunk).choices)
  const functions = choices.flatMap(({ delta }) => delta.tool_calls ?? []).map((one) => one.function)
  if (ending === 'call') {
    assert.equal(functions.map(({ name }) => name ?? '').join(''), answer.name)
    assert.deepEqual(JSON.parse(functions.map((one) => one.arguments ?? '').join('')), answer.arguments)
  } else assert.equal(choices.map(({ delta }) => delta.content ?? '').join(''), answer.text)
  assert.equal(choices.findLast((choice) => choice.finish_reason !== null)?.finish_reason, finishReasons[ending])
  assert.deepEqual([stream.finished, stream.usage.inputTokens, stream.usage.outputTokens], [true, 11, 7])
}

interface Tally { accepted: number, refused: Map<string, number> }

function checkBody (request: AdapterRequest, sent: Buffer, { check }: Vendor): void {
  if (check === null) assert.equal(request.body, sent, 'the bytes of the client go through')
  else check(JSON.parse(Buffer.from(request.body).toString('utf8')) as Record<string, unknown>)
}

async function runChat (adapter: Adapter, vendor: Vendor, chat: ChatRequest, ending: Ending, tally: Tally): Promise<void> {
  const stream = chat.stream === true
  const body = Buffer.from(JSON.stringify({ ...chat, model: vendor.model }))
  const call = adapter.open(createJob('chat_completion', { model: vendor.model, stream, body }))
  const request = await toUpstream(call, tally.refused)
  if (request === null) return
  tally.accepted++
  checkBody(request, body, vendor)
  // Nobody calls a tool that was not offered.
  const said = ending === 'call' && chat.tools?.some((tool) => tool.function.name === answer.name) !== true ? 'text' : ending
  if (stream && said !== 'length') checkStream(call, vendor, said)
  else checkReply(call, vendor, said)
}

/** One sample for all vendors: to make it costs as much as to check it. */
const sample = fc.sample(fc.tuple(clientChat, fc.constantFrom<Ending>('text', 'call', 'length')), { numRuns: chats, seed })

for (const vendor of vendors) {
  test(`${chats} random chats of an OpenAI client go to ${vendor.name} in its words, and its answers come back`, async (t) => {
    t.diagnostic(`seed ${seed}; CHATS_SEED sets it`)
    const adapter = createAdapter(vendor.settings, { nowSeconds: () => 1_760_000_000, newId: () => 'id', mediaFetcher: web })
    const tally: Tally = { accepted: 0, refused: new Map() }
    for (const [index, [chat, ending]] of sample.entries()) {
      try {
        await runChat(adapter, vendor, chat, ending, tally)
      } catch (cause) {
        throw new Error(`chat ${index} of seed ${seed}, which ends with ${ending}: ${(cause as Error).message}\n${JSON.stringify(chat)}`, { cause })
      }
    }
    const members = [...tally.refused].sort(([, one], [, other]) => other - one).map(([member, count]) => `${member} ${count}`)
    t.diagnostic(`${vendor.name}: ${tally.accepted} of ${chats} become bodies that it takes; refused: ${members.join(', ') || 'none'}`)
    assert.ok(tally.accepted > chats / 2, 'refusals are a minority')
  })
}
