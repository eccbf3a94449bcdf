import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { startCaptureUpstream } from '../sdk/capture-upstream.ts'
import { startTestGateway } from '../helpers/gateway.ts'
import { chatRequest, jsonOf, sendRaw, statusesOf } from './raw-socket.ts'

/**
 * Heads that two parsers could read differently. Each carries a second request in or behind its body.
 * The count is taken at the upstream: neither the second request nor the first may arrive there.
 */
const upstream = await startCaptureUpstream({ after })
const gateway = await startTestGateway({ after }, { providers: { openai: { keys: [{ value: 'sk' }], network_config: { base_url: upstream.url } } } })
const port = Number(new URL(gateway.url).port)

const body = jsonOf('openai/first')
const length = Buffer.byteLength(body)
const smuggled = chatRequest('openai/smuggled')
const lengthOfBoth = length + Buffer.byteLength(smuggled)
const hexLength = length.toString(16)
const chunked = `${hexLength}\r\n${body}\r\n0\r\n\r\n`
const head = (...headers: string[]): string => ['POST /v1/chat/completions HTTP/1.1', 'Host: x', ...headers, '', ''].join('\r\n')
const te = (value: string): string => head(`Transfer-Encoding: ${value}`) + chunked

/** Closed or answered with an error at once. */
const refused: ReadonlyArray<[string, string]> = [
  ['differing Content-Lengths, short first', head(`Content-Length: ${length}`, `Content-Length: ${lengthOfBoth}`) + body],
  ['differing Content-Lengths, long first', head(`Content-Length: ${lengthOfBoth}`, `Content-Length: ${length}`) + body],
  ['the same Content-Length twice', head(`Content-Length: ${length}`, `Content-Length: ${length}`) + body],
  ['an empty Content-Length', head('Content-Length: ')],
  ['an empty and a real Content-Length', head('Content-Length: ', `Content-Length: ${length}`) + body],
  ['Content-Length +n', head(`Content-Length: +${length}`) + body],
  ['Content-Length -1', head('Content-Length: -1') + body],
  ['Content-Length 0x', head(`Content-Length: 0x${hexLength}`) + body],
  ['Content-Length n,n', head(`Content-Length: ${length},${length}`) + body],
  ['Content-Length n, m', head(`Content-Length: ${length}, ${lengthOfBoth}`) + body],
  ['Content-Length n m', head(`Content-Length: ${length} ${lengthOfBoth}`) + body],
  ['Content-Length 1e2', head('Content-Length: 1e2') + body],
  ['Content-Length beyond 64 bits', head('Content-Length: 18446744073709551617') + body],
  ['Content-Length before Transfer-Encoding', head(`Content-Length: ${lengthOfBoth}`, 'Transfer-Encoding: chunked') + '0\r\n\r\n'],
  ['Transfer-Encoding before Content-Length', head('Transfer-Encoding: chunked', `Content-Length: ${lengthOfBoth}`) + chunked],
  ['Transfer-Encoding xchunked', te('xchunked')],
  ['Transfer-Encoding chunked, identity', te('chunked, identity')],
  ['Transfer-Encoding identity, chunked', te('identity, chunked')],
  ['Transfer-Encoding gzip, chunked', te('gzip, chunked')],
  ['Transfer-Encoding ,chunked', te(',chunked')],
  ['Transfer-Encoding "chunked"', te('"chunked"')],
  ['an empty Transfer-Encoding', te('')],
  ['Transfer-Encoding chunked twice', head('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked') + chunked],
  ['Transfer-Encoding chunked and identity', head('Transfer-Encoding: chunked', 'Transfer-Encoding: identity') + chunked],
  ['two Host headers', head('Host: y', `Content-Length: ${length}`) + body],
  ['no Host header', head(`Content-Length: ${length}`).replace('Host: x\r\n', '') + body],
  ['line feeds in place of CR LF', head(`Content-Length: ${length}`).replaceAll('\r\n', '\n') + body],
  ['an empty header name', head(': b', `Content-Length: ${length}`) + body],
  ['HTTP/1.0', head(`Content-Length: ${length}`).replace('HTTP/1.1', 'HTTP/1.0') + body],
  ['HTTP/9.9', head(`Content-Length: ${length}`).replace('HTTP/1.1', 'HTTP/9.9') + body],
  ['an HTTP/2 preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ['a chunk size with +', head('Transfer-Encoding: chunked') + `+${chunked}`],
  ['a chunk size with 0x', head('Transfer-Encoding: chunked') + `0x${chunked}`],
  ['a negative chunk size', head('Transfer-Encoding: chunked') + `-${chunked}`],
  ['a chunk size beyond 64 bits', head('Transfer-Encoding: chunked') + `ffffffffffffffff1\r\n${body}\r\n0\r\n\r\n`],
  ['trailers', head('Transfer-Encoding: chunked') + `${hexLength}\r\n${body}\r\n0\r\nX-T: 1\r\n\r\n`],
  ['a head of 2 MB', head(`X-A: ${'a'.repeat(2_000_000)}`, `Content-Length: ${length}`) + body],
  ['500 headers', head(...Array.from({ length: 500 }, (_, index) => `X-${index}: 1`), `Content-Length: ${length}`) + body],
  ['a target of 2 MB', `GET /${'a'.repeat(2_000_000)} HTTP/1.1\r\nHost: x\r\n\r\n`]
]

for (const [name, payload] of refused) {
  test(`${name}: refused, nothing is served`, async () => {
    for (const tail of ['', smuggled]) {
      const before = upstream.requests.length
      const { text, closed } = await sendRaw(port, [Buffer.from(payload + tail, 'latin1')], { quietMs: 2_000 })
      assert.ok(closed, `the connection stays open: ${text.slice(0, 100)}`)
      for (const status of statusesOf(text)) assert.ok(status >= 400, text.slice(0, 200))
      assert.equal(upstream.requests.length, before)
    }
  })
}

/** The HTTP parser waits for more; its idle timeout (10 to 12 s) ends the connection. */
const starved: ReadonlyArray<[string, string]> = [
  ['Transfer-Encoding with a vertical tab', head('Transfer-Encoding: \x0bchunked') + chunked],
  ['a space before the colon of Transfer-Encoding', head('Transfer-Encoding : chunked') + chunked],
  ['a space before the colon of Content-Length', head(`Content-Length : ${length}`) + body],
  ['a space in a header name', head('X A: b', `Content-Length: ${length}`) + body],
  ['a line feed inside the head', head('X-A: b\nTransfer-Encoding: chunked', `Content-Length: ${length}`) + body],
  ['a carriage return inside the head', head('X-A: b\rTransfer-Encoding: chunked', `Content-Length: ${length}`) + body],
  ['a folded header', head('X-A: b\r\n c', `Content-Length: ${length}`) + body],
  ['a folded Transfer-Encoding', head('Transfer-Encoding:\r\n chunked', `Content-Length: ${length}`) + body],
  ['NUL in a header', head('X-A: a\0b', `Content-Length: ${length}`) + body],
  ['NUL in Content-Length', head(`Content-Length: ${length}\0`) + body],
  ['a chunk extension', head('Transfer-Encoding: chunked') + `${hexLength};a=b\r\n${body}\r\n0\r\n\r\n`]
]

test('heads that the parser does not finish are never served and cut off in time', async () => {
  const before = upstream.requests.length
  await Promise.all(starved.map(async ([name, payload]) => {
    const { text, closed } = await sendRaw(port, [Buffer.from(payload + smuggled, 'latin1')], { quietMs: 20_000 })
    assert.ok(closed, `${name}: open after 20 s`)
    for (const status of statusesOf(text)) assert.ok(status >= 400, `${name}: ${status}`)
  }))
  assert.equal(upstream.requests.length, before)
})

test('a request inside the body of another one is body, whatever the method', async () => {
  const before = upstream.requests.length
  for (const line of ['GET /health', 'HEAD /health', 'GET /metrics', 'DELETE /v1/models', 'POST /nowhere', 'GET /v1/chat/completions', 'OPTIONS *']) {
    const request = `${line} HTTP/1.1\r\nHost: x\r\nContent-Length: ${Buffer.byteLength(smuggled)}\r\n\r\n${smuggled}`
    const { text } = await sendRaw(port, [request], { quietMs: 150 })
    assert.ok(statusesOf(text).length <= 1, text)
  }
  assert.equal(upstream.requests.length, before)
})

test('a pipelined request behind one in progress closes the connection', async () => {
  const before = upstream.requests.length
  const { text, closed } = await sendRaw(port, [chatRequest('openai/first') + chatRequest('openai/second')])
  assert.deepEqual([closed, text], [true, ''])
  assert.ok(!upstream.requests.slice(before).some(({ body }) => body.includes('second')))
})

test('well-formed requests are still served: chunked in any case, in pieces, one after another', async () => {
  const answered = (text: string): boolean => text.includes('"extra_fields"')
  for (const payload of [[te('chunked')], [te('Chunked')], [...chatRequest('openai/first')], [head('Transfer-Encoding: chunked'), ...[...body].map((byte) => `1\r\n${byte}\r\n`), '0\r\n\r\n']]) {
    const { text } = await sendRaw(port, payload, { quietMs: 3_000, enough: answered })
    assert.deepEqual(statusesOf(text), [200])
  }
  assert.deepEqual(new Set(upstream.requests.map((request) => request.body)), new Set([jsonOf('first')]))
  assert.equal((await fetch(`${gateway.url}/health`)).status, 200)
})
