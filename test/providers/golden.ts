import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ChatDelta, ChatUsage } from '../../src/api/chat.ts'
import type { ChatSink } from '../../src/api/chat-sink.ts'
import type { StreamFraming } from '../../src/api/framing.ts'
import type { ChatDecoder, TranslationContext } from '../../src/providers/family.ts'
import { framings } from '../../src/upstream/splitters.ts'

export interface Golden<T> { name: string, value: T }

/** The files `<feature>.<number>.<kind>.json` of a folder of fixtures. */
export function readGolden<T> (folder: string, kind: string): Golden<T>[] {
  const root = join(process.cwd(), 'test/fixtures', folder)
  return readdirSync(root).filter((file) => file.endsWith(`.${kind}.json`)).sort().map((name) => ({ name: `${folder}/${name}`, value: JSON.parse(readFileSync(join(root, name), 'utf8')) as T }))
}

/** The bytes beside a `.chunks.json`. */
export function readChunks (name: string): Buffer {
  return readFileSync(join(process.cwd(), 'test/fixtures', name.replace(/\.json$/, '.txt')))
}

export function createContext (more: Partial<TranslationContext> = {}): TranslationContext & { dropped: string[] } {
  const dropped: string[] = []
  return { model: 'm', keyIndex: 0, stream: false, passExtraParams: false, dropped, drop: (member) => { if (!dropped.includes(member)) dropped.push(member) }, ...more }
}

/** What a decoder said, call by call. */
export type Call = ['start', string, string] | ['delta', number, ChatDelta] | ['finish', number, string, string] | ['usage', ChatUsage]

export interface Decoded { calls: Call[], kinds: string[], decoder: ChatDecoder }

/** @param pieces as the connection delivers them */
export function decode (decoder: ChatDecoder, framing: StreamFraming, pieces: readonly Uint8Array[]): Decoded {
  const calls: Call[] = []
  const kinds: string[] = []
  const sink: ChatSink = {
    start: (id, model) => { calls.push(['start', id, model]) },
    delta: (choice, delta) => { calls.push(['delta', choice, delta]) },
    finish: (choice, reason, detail) => { calls.push(['finish', choice, reason, detail?.native ?? '']) },
    usage: (usage) => { calls.push(['usage', usage]) }
  }
  const splitter = framings[framing].create(1 << 20)
  for (const piece of pieces) splitter.push(piece, (event) => { kinds.push(decoder.decode(event, sink)) })
  return { calls, kinds, decoder }
}

/** The stream cut in two at every byte, and byte by byte. */
export function cutsOf (bytes: Buffer): Uint8Array[][] {
  const cuts: Uint8Array[][] = [[...bytes].map((byte) => Uint8Array.of(byte))]
  for (let at = 1; at < bytes.length; at++) cuts.push([bytes.subarray(0, at), bytes.subarray(at)])
  return cuts
}

/** All that a stream said, put together. */
export interface Heard {
  content: string
  reasoning: string
  calls: { id: string, name: string, arguments: string }[]
  finish: string | null
  usage: ChatUsage | null
}

export function hear (calls: readonly Call[]): Heard {
  const heard: Heard = { content: '', reasoning: '', calls: [], finish: null, usage: null }
  for (const call of calls) {
    if (call[0] === 'finish') heard.finish = call[2]
    else if (call[0] === 'usage') heard.usage = call[1]
    else if (call[0] === 'delta') {
      const { content, reasoning_content: reasoning, tool_calls: tools } = call[2]
      heard.content += content ?? ''
      heard.reasoning += reasoning ?? ''
      for (const tool of tools ?? []) {
        const known = heard.calls[tool.index] ??= { id: tool.id ?? '', name: '', arguments: '' }
        known.name += tool.function.name ?? ''
        known.arguments += tool.function.arguments ?? ''
      }
    }
  }
  return heard
}
