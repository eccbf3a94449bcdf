import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { GatewayError } from '../../src/errors.ts'
import { SseSplitter } from '../../src/upstream/sse-splitter.ts'
import { assertSameEvents, cutAt, jsonOfEvents, parseWithOracle, split } from './sse-oracle.ts'

const streams: Record<string, string> = {
  'line feeds': 'data: {"a":1}\n\ndata: {"b":2}\n\ndata: [DONE]\n\n',
  'CR LF': 'data: {"a":1}\r\n\r\ndata: {"b":2}\r\n\r\ndata: [DONE]\r\n\r\n',
  CR: 'data: {"a":1}\r\rdata: {"b":2}\r\rdata: [DONE]\r\r',
  'every line end mixed': 'data: 1\n\r\ndata: 2\r\n\ndata: 3\r\r\ndata: 4\r\n\rdata: 5\n\rdata: 6\r\n\r\n\r\n\n\rdata: 7\r\n\r',
  'byte-order mark': '\ufeffdata: {"a":1}\n\n\ufeffdata: not a field\n\ndata: 2\n\n',
  'a byte-order mark alone': '\ufeff\n\ndata: 1\n\n',
  'a byte-order mark that is not in front': ': c\n\ufeffdata: not a field\ndata: 1\n\n',
  'blank lines of every kind': 'data: 1\r\n\r\r\n\n',
  comments: ': OPENROUTER PROCESSING\n\n: x\n:\ndata: 1\n: inside\ndata: 2\n\n:\n\n',
  'data over several lines': 'data: {"a":\ndata: 1,\ndata:\ndata: "b":2}\n\ndata: x\r\ndata: y\r\n\r\n',
  'no space after the colon': 'data:{"a":1}\n\ndata:  two spaces\n\ndata:\tx\n\n',
  'empty data': 'data:\n\ndata: \n\ndata\n\ndata\ndata\n\n',
  'event lines': 'event: response.created\ndata: {"type":"response.created"}\n\nevent:x\nevent: y\ndata: 1\n\nevent\ndata: 2\n\nevent: only\n\ndata: 3\nevent: after\n\n',
  'other fields': 'id: 1\nretry: 10\ndata: 1\nfoo: bar\ndatax: no\ndat: no\nevents: no\nDATA: no\n data: no\n\n',
  'multibyte text': 'event: ünïcode\ndata: {"t":"ü€😀\u2028\u0085"}\n\ndata: 日本\n\n',
  'blank lines in front': '\n\n\r\n\rdata: 1\n\n\n\n\n',
  'an unfinished end': 'data: 1\n\ndata: 2\n',
  'colons everywhere': 'data::\n\ndata: a:b\n\n::\n\nevent: a:b\ndata: c\n\n'
}

for (const [what, text] of Object.entries(streams)) {
  test(`cut at any one or two places, the stream gives the same events: ${what}`, () => {
    const stream = Buffer.from(text)
    const expected = parseWithOracle(stream)
    // Events without data count too: half a CR LF is no blank line of its own.
    const count = split([stream]).events.length
    assertSameEvents(stream, [stream], expected, 'whole')
    assertSameEvents(stream, [...stream].map((byte) => Buffer.from([byte])), expected, 'byte by byte')
    for (let first = 0; first <= stream.length; first++) {
      for (let second = first; second <= stream.length; second++) {
        const pieces = cutAt(stream, [first, second])
        assertSameEvents(stream, pieces, expected, `cut at ${first} and ${second}`)
        assert.equal(split(pieces).events.length, count, `cut at ${first} and ${second}: all events`)
      }
    }
  })
}

test('random streams in random cuts give the events of the reference parser', () => {
  const line = fc.constantFrom('data: {"a":1}', 'data:x', 'data', 'data: ', ': c', 'event: e', 'id: 1', '', '', 'dat', 'data: ü€😀', ':', 'x: y')
  const lineEnd = fc.constantFrom('\n', '\r\n', '\r')
  fc.assert(fc.property(fc.array(fc.tuple(line, lineEnd), { maxLength: 20 }), fc.array(fc.nat(400), { maxLength: 8 }), fc.boolean(), (lines, cuts, mark) => {
    const text = `${mark ? '\ufeff' : ''}${lines.flat().join('')}`
    const stream = Buffer.from(text)
    const pieces = cutAt(stream, cuts.map((cut) => Math.min(cut, stream.length)))
    assertSameEvents(stream, pieces, parseWithOracle(stream), JSON.stringify(text))
    assert.equal(split(pieces).events.length, split([stream]).events.length, JSON.stringify(text))
  }), { numRuns: 3000 })
})

test('data over several lines reads as one JSON text', () => {
  assert.deepEqual(jsonOfEvents(Buffer.from('data: {"a":\r\ndata: 1,\r: c\revent: x\ndata:"b":[2]}\n\ndata: nope\n\ndata: "x"\n\n')), [{ a: 1, b: [2] }, null, 'x'])
})

test('an event ends with its blank line: nothing waits for the next chunk', () => {
  for (const end of ['\n\n', '\r\n\r\n', '\r\r']) assert.equal(split([Buffer.from(`data: 1${end}`)]).events.length, 1)
  const { events, unfinishedBytes } = split([Buffer.from('data: 1\n\ndata: 2')])
  assert.equal(events.length, 1)
  assert.equal(unfinishedBytes, 7)
})

test('a callback sees the events before the limit, then the error', () => {
  const seen: string[] = []
  const splitter = new SseSplitter(20)
  assert.throws(() => {
    splitter.push(Buffer.from(`data: 1\n\n: c\n\ndata: ${'x'.repeat(100)}`), (event) => { seen.push(Buffer.from(event.bytes.subarray(event.start, event.end)).toString()) })
  }, GatewayError)
  assert.deepEqual(seen, ['data: 1\n\n', ': c\n\n'])
})

test('the limit is exact: an event of max bytes passes and one of max + 1 does not, however it is cut', () => {
  const toEvent = (bytes: number): Buffer => Buffer.from(`data: ${'x'.repeat(bytes - 8)}\n\n`)
  const before = Buffer.from('data: 1\n\n')
  for (const max of [64, 4096]) {
    const fits = Buffer.concat([before, toEvent(max), before])
    const over = Buffer.concat([before, toEvent(max + 1), before])
    for (let at = 0; at <= over.length; at += max > 64 ? 37 : 1) {
      assert.equal(split(cutAt(fits, [Math.min(at, fits.length)]), max).events.length, 3)
      assert.throws(() => split(cutAt(over, [at]), max), (error) => error instanceof GatewayError && error.code === 'BIFROST_UPSTREAM_TOO_LARGE' &&
        error.message === `The provider sent a stream event larger than network_config.max_stream_event_size_mb (${max} bytes).`, `cut at ${at}`)
    }
    // Without an end in sight the limit holds just the same.
    assert.equal(split([toEvent(max + 2).subarray(0, max)], max).unfinishedBytes, max)
    assert.throws(() => split([toEvent(max + 2).subarray(0, max + 1)], max), GatewayError)
  }
})

test('a line of 1 MB in pieces of any size comes out whole', () => {
  const line = Buffer.concat([Buffer.from('data: '), Buffer.alloc(1 << 20, 'abcdefgh€'), Buffer.from('\n\n')])
  for (const size of [1, 7, 1000, 4096, 65_536]) {
    const pieces = Array.from({ length: Math.ceil(line.length / size) }, (_, index) => line.subarray(index * size, (index + 1) * size))
    const { events, unfinishedBytes } = split(pieces, 2 << 20)
    assert.equal(events.length, 1)
    assert.equal(unfinishedBytes, 0)
    assert.ok(events[0]?.bytes.equals(line), `pieces of ${size}`)
  }
})

test('the time for a long line grows with its bytes, not with their square', () => {
  const feedMs = (bytes: number, size: number): number => {
    const piece = Buffer.alloc(size, 'x')
    let best = Infinity
    for (let round = 0; round < 4; round++) {
      const splitter = new SseSplitter(1 << 30)
      const start = performance.now()
      for (let fed = 0; fed < bytes; fed += size) splitter.push(piece, () => {})
      best = Math.min(best, performance.now() - start)
    }
    return best
  }
  for (const size of [1, 64, 4096]) {
    const bytes = size === 1 ? 1 << 18 : 1 << 20
    feedMs(bytes, size)
    const ratio = feedMs(bytes * 8, size) / feedMs(bytes, size)
    assert.ok(ratio < 40, `pieces of ${size}: 8 times the bytes took ${ratio.toFixed(1)} times as long`)
  }
})
