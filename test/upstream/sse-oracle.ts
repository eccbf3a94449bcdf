import assert from 'node:assert/strict'
import { createParser } from 'eventsource-parser'
import { parseEventData } from '../../src/providers/event-data.ts'
import { SseSplitter } from '../../src/upstream/sse-splitter.ts'

/** An event as an EventSource would dispatch it. */
export interface OracleEvent {
  data: string
  event: string | undefined
}

/** What the reference parser makes of a whole stream. */
export function parseWithOracle (stream: Uint8Array): OracleEvent[] {
  // The decoder takes the byte-order mark off, as it does in browsers.
  let text = new TextDecoder().decode(stream)
  // After a last CR the parser waits for the LF that may follow; another line makes it decide.
  if (text.endsWith('\r')) text += ': end\n'
  const events: OracleEvent[] = []
  const parser = createParser({ onEvent: ({ data, event }) => { events.push({ data, event: event === '' ? undefined : event }) } })
  parser.feed(text)
  return events
}

/** An event of the splitter, read the way its users read it. */
export interface SplitEvent {
  bytes: Buffer
  dataLines: number
  firstData: string
  name: string
}

/** @param pieces the stream, cut. @returns events with copied bytes, and what was left without an end */
export function split (pieces: readonly Uint8Array[], eventBytesMax = 1 << 20): { events: SplitEvent[], unfinishedBytes: number } {
  const splitter = new SseSplitter(eventBytesMax)
  const events: SplitEvent[] = []
  for (const piece of pieces) {
    splitter.push(piece, (event) => {
      const text = (start: number, end: number): string => Buffer.from(event.bytes.subarray(start, end)).toString()
      events.push({
        bytes: Buffer.from(event.bytes.subarray(event.start, event.end)),
        dataLines: event.dataLines,
        firstData: text(event.dataStart, event.dataEnd),
        name: text(event.nameStart, event.nameEnd)
      })
    })
  }
  return { events, unfinishedBytes: splitter.unfinishedBytes }
}

/** Checks one way of cutting a stream: same events as the oracle, and not a byte changed. */
export function assertSameEvents (stream: Buffer, pieces: readonly Uint8Array[], expected: readonly OracleEvent[], what: string): void {
  const { events, unfinishedBytes } = split(pieces)
  const joined = Buffer.concat(events.map(({ bytes }) => bytes))
  assert.ok(joined.equals(stream.subarray(0, stream.length - unfinishedBytes)), `${what}: bytes differ`)
  const withData = events.filter(({ dataLines }) => dataLines > 0)
  assert.equal(withData.length, expected.length, `${what}: number of events`)
  for (const [index, event] of withData.entries()) {
    const oracle = expected[index] as OracleEvent
    assert.equal(event.name, oracle.event ?? '', `${what}: name of event ${index}`)
    assert.equal(event.dataLines, oracle.data.split('\n').length, `${what}: data lines of event ${index}`)
    assert.equal(event.firstData, oracle.data.split('\n')[0], `${what}: data of event ${index}`)
  }
}

/** The data of every event as JSON, through the code that the adapters use. */
export function jsonOfEvents (stream: Buffer): unknown[] {
  const values: unknown[] = []
  new SseSplitter(1 << 20).push(stream, (event) => {
    if (event.dataLines > 0) values.push(parseEventData(event))
  })
  return values
}

export function cutAt (stream: Buffer, positions: readonly number[]): Buffer[] {
  const sorted = [...positions].sort((first, second) => first - second)
  return [...sorted, stream.length].map((end, index) => stream.subarray(index === 0 ? 0 : sorted[index - 1], end))
}
