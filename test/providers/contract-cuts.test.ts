import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { JobFrame } from '../../src/api/job.ts'
import { toOutcome } from '../../src/router/outcomes.ts'
import { hearClient } from './contract-client.ts'
import { exchange } from './contract-exchange.ts'
import type { Ending } from './contract-exchange.ts'
import { toEventFrame } from './bedrock-frames.ts'
import { contractVendors, jobsOf } from './contract-vendors.ts'
import type { ContractVendor } from './contract-vendors.ts'
import type { Turn } from './contract-wires.ts'

const text = 'Es sind 21 °C, grüß dich 松.'
const calls: Turn['calls'] = [{ id: 'callBonn1', name: 'weather', arguments: { city: 'Köln' } }, { id: 'callTime2', name: 'clock', arguments: {} }]
const samples: readonly { name: string, turn: Turn }[] = [
  { name: 'a text', turn: { text } },
  { name: 'two calls after a text', turn: { text: 'Ich schaue.', calls } },
  { name: 'thoughts and a call', turn: { thought: 'Erst schauen: 松.', calls: calls.slice(0, 1) } }
]

const plain = 'a plain chat of an OpenAI client'
const translated = 'a chat with tools of an OpenAI client'
/** The bytes of a plain chat go through, and so does the answer. With all others it is translated as any chat is. */
const isOpenAiLike: ReadonlySet<string> = new Set(['mistral', 'azure', 'openai'])

type Job = ReturnType<typeof jobsOf>[number]
interface Case { vendor: ContractVendor, job: Job, stream: Buffer, finish: string, isHeard: boolean }

/** Every sample for OpenAI's clients; a text for the others, and for Vertex, whose events come from the same decoders or go through unread. */
function casesOf (vendor: ContractVendor): readonly (Case & { name: string })[] {
  const jobs = jobsOf(vendor, true).filter(({ name }) => name !== plain || isOpenAiLike.has(vendor.name))
  return jobs.flatMap((job) => samples.filter(({ turn }) => turn.text === text || (job.name === translated && vendor.settings.kind !== 'vertex')).map(({ name, turn }) => ({
    name: `${name} for ${job.name}`, vendor, job, stream: vendor.wire.toStream(turn), finish: vendor.wire.finish[turn.calls === undefined ? 'text' : 'calls'], isHeard: (job.dialect ?? 'openai') === 'openai'
  })))
}

/** Of CR LF the LF may be missing, at the very end; a blank line that is missing is added by the gateway. */
const linesOf = (body: Buffer): string => body.toString('latin1').replaceAll(/\r\n?/g, '\n')

/** The connection ends, or breaks, after these bytes. */
function checkCutOff ({ vendor, job, stream, finish, isHeard }: Case, at: number, whole: Ending, isReset: boolean): void {
  const { error, body, hasBegun, usage } = exchange(vendor, job as Partial<JobFrame> & { body: Buffer }, { pieces: [stream.subarray(0, at)], isReset })
  assert.ok(whole.usage !== null && usage !== null)
  if (error === null) {
    assert.ok(stream.subarray(0, at).includes(finish), `a clean end after ${at} bytes, before the finish`)
    if (!isHeard) return
    const [heard, wanted] = [hearClient(body), hearClient(whole.body)]
    assert.deepEqual([heard.message, heard.finish], [wanted.message, wanted.finish], `a clean end after ${at} bytes`)
    return
  }
  assert.deepEqual([error.code, toOutcome(error)], ['BIFROST_UPSTREAM_TRUNCATED', 'broken_stream'], `after ${at} bytes`)
  assert.equal(hasBegun, body.length > 0)
  assert.ok(linesOf(whole.body).startsWith(linesOf(body)), `after ${at} bytes the client has what it would have had: ${body.toString()}`)
}

for (const vendor of contractVendors) {
  test(`${vendor.name}: a stream says the same wherever it is cut, and has no clean end before its finish`, (t) => {
    const started = performance.now()
    let cuts = 0
    for (const one of casesOf(vendor)) {
      const { job, stream } = one
      const whole = exchange(vendor, job, { pieces: [stream] })
      assert.equal(whole.error, null, `${one.name}: ${String(whole.error?.message)}`)
      const byBytes = exchange(vendor, job, { pieces: [...stream].map((byte) => Uint8Array.of(byte)) })
      assert.deepEqual([byBytes.error, linesOf(byBytes.body), byBytes.usage], [null, linesOf(whole.body), whole.usage], `${one.name}, byte by byte`)
      for (let at = 1; at < stream.length; at++) {
        const joined = exchange(vendor, job, { pieces: [stream.subarray(0, at), stream.subarray(at)] })
        assert.ok(joined.error === null && linesOf(joined.body) === linesOf(whole.body), `${one.name}: cut after ${at} bytes`)
        checkCutOff(one, at, whole, false)
        checkCutOff(one, at, whole, true)
        cuts++
      }
    }
    t.diagnostic(`${cuts} cuts in ${Math.round(performance.now() - started)} ms`)
  })
}

/** Whose words the streams of a folder of fixtures are: a vendor's, or what the gateway writes for that vendor's clients. */
const vendorOfFolder: Readonly<Record<string, string>> = { anthropic: 'anthropic', 'anthropic-dialect': 'anthropic', azure: 'azure', bedrock: 'bedrock', cohere: 'cohere', gemini: 'gemini', mistral: 'mistral', ollama: 'ollama', openai: 'openai', responses: 'openai' }
/** A longer fixture would take too long; there is none. */
const fixtureBytesMax = 20_000

interface Fixture { name: string, folder: string, bytes: Buffer }

function readFixtures (): Fixture[] {
  const root = join(process.cwd(), 'test/fixtures')
  return readdirSync(root).flatMap((folder) => readdirSync(join(root, folder)).flatMap((file): Fixture[] => {
    const content = (): string => readFileSync(join(root, folder, file), 'utf8')
    if (file.endsWith('.chunks.txt')) return [{ name: `${folder}/${file}`, folder, bytes: Buffer.from(content()) }]
    // Frames are binary; their fixtures are what stands in them.
    if (folder !== 'bedrock' || !file.endsWith('.chunks.json')) return []
    const { events } = JSON.parse(content()) as { events: [string, unknown][] }
    return [{ name: `${folder}/${file}`, folder, bytes: Buffer.concat(events.map(([type, payload]) => toEventFrame(type, payload))) }]
  }))
}

/** What came of it, without line ends. */
const resultOf = ({ error, body, usage, hasBegun }: Ending): unknown => [error?.code, error?.status, error?.message, linesOf(body), usage, hasBegun]

test('every stream among the fixtures says the same wherever it is cut', (t) => {
  const started = performance.now()
  const fixtures = readFixtures()
  let cuts = 0
  for (const { name, folder, bytes } of fixtures) {
    assert.ok(bytes.length <= fixtureBytesMax, `${name} has ${bytes.length} bytes`)
    const vendor = contractVendors.find((one) => one.name === vendorOfFolder[folder])
    assert.ok(vendor !== undefined, `${name} is in nobody's words`)
    const chat = jobsOf(vendor, true).find((job) => job.name === translated)
    assert.ok(chat !== undefined)
    const job = folder === 'responses' ? { ...chat, operation: 'responses' as const } : chat
    const whole = resultOf(exchange(vendor, job, { pieces: [bytes] }))
    assert.deepEqual(resultOf(exchange(vendor, job, { pieces: [...bytes].map((byte) => Uint8Array.of(byte)) })), whole, `${name}, byte by byte`)
    for (let at = 1; at < bytes.length; at++) {
      assert.deepEqual(resultOf(exchange(vendor, job, { pieces: [bytes.subarray(0, at), bytes.subarray(at)] })), whole, `${name}: cut after ${at} bytes`)
      cuts++
    }
  }
  t.diagnostic(`${fixtures.length} fixtures, ${cuts} cuts in ${Math.round(performance.now() - started)} ms`)
})
