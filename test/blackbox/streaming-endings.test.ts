import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { startFaultUpstream } from '../helpers/fault-upstream.ts'
import type { Framing, Script } from '../helpers/fault-upstream.ts'
import { errorBodies, faults, ok, refusedPort } from '../helpers/faults.ts'
import { chatBody, startTestGateway, upstreamProvider } from '../helpers/gateway.ts'
import { RawClient } from '../helpers/http-client.ts'
import type { ClientResponse } from '../helpers/http-client.ts'
import { contentEvent, doneEvent, finishEvent, inBandError, wholeReply, wholeStream, withoutExtraFields } from '../helpers/sse.ts'
import { createSignal } from '../helpers/wait.ts'

describe('the end of an answer', async () => {
  const upstream = await startFaultUpstream({ after }, ok)
  const gateway = await startTestGateway({ after }, { providers: { up: upstreamProvider(upstream.url, { network: { stream_idle_timeout_in_seconds: 0.3 } }) } })

  /** An answer, read to its end. `onHead` runs while it is under way. */
  async function ask (script: Script, more: object = { stream: true }, onHead?: (response: ClientResponse) => Promise<void>): Promise<ClientResponse> {
    upstream.script = script
    const client = await RawClient.connect(gateway.port)
    const response = await client.chat(chatBody('up/m', more))
    await onHead?.(response)
    assert.equal(await response.end(), 'complete')
    client.socket.destroy()
    await gateway.whenIdle()
    return response
  }

  const errorsInside200: [name: string, body: string, status: number, message: string][] = [
    ['a rate limit', errorBodies[429], 429, 'Rate limit reached.'],
    ['a bad key', errorBodies[401], 401, 'Incorrect API key provided.'],
    ['a server error', errorBodies[500], 500, 'The server had an error.'],
    ['an overload', '{"error":{"message":"Overloaded","type":"overloaded_error"}}', 503, 'Overloaded'],
    ['a numeric code', '{"error":{"message":"Provider returned error","code":402}}', 402, 'Provider returned error'],
    ['an unknown type', '{"error":{"message":"Odd","type":"odd"}}', 502, 'Odd']
  ]
  for (const [name, body, status, message] of errorsInside200) {
    for (const stream of [true, false]) {
      test(`${name} inside a 200 is an error status to the client, ${stream ? 'streamed' : 'unary'}`, async () => {
        const response = await ask(faults.errorInside200(body), { stream })
        assert.equal(response.status, status)
        assert.equal(response.headers['content-type'], 'application/json')
        assert.equal(response.json.error.message, message)
      })
    }
  }

  test('comments before an error in a 200 do not open the stream', async () => {
    assert.equal((await ask(faults.stream(`: ping\n\n: ping\n\ndata: ${errorBodies[429]}\n\n`))).status, 429)
  })

  test('an error event after output ends the stream with that error and no [DONE]', async () => {
    const { status, text } = await ask(faults.stream(contentEvent('a') + `data: ${errorBodies[500]}\n\n` + doneEvent))
    assert.equal(status, 200)
    assert.ok(text.includes('"content":"a"'))
    assert.deepEqual(inBandError(text)?.message, 'The server had an error.')
    assert.equal(inBandError(text)?.type, 'server_error')
    assert.ok(!text.includes('[DONE]'))
  })

  const errorCount = (): Promise<number> => gateway.metric('bifrost_error_requests_total', { provider: 'up' })

  const framings: [name: string, framing: Framing][] = [['chunked', 'chunked'], ['content-length', 5_000], ['close-delimited', 'close']]
  for (const [name, framing] of framings) {
    test(`an end before the finish is an in-band error, what came before it is delivered (${name})`, async () => {
      const before = await errorCount()
      const seen = createSignal()
      const { status, text } = await ask(async (exchange) => {
        exchange.openStream(framing)
        await exchange.write(contentEvent('partial'))
        await seen.promise
        exchange.halfClose()
      }, { stream: true }, async (response) => {
        await response.until('partial')
        seen.resolve()
      })
      assert.equal(status, 200)
      assert.ok(text.includes('"content":"partial"'))
      const error = inBandError(text)
      assert.equal(error?.type, 'upstream_truncated')
      assert.ok(!text.includes('[DONE]'))
      assert.equal(await errorCount(), before + 1)
    })

    test(`an end after the finish but without [DONE] is complete: [DONE] is supplied (${name})`, async () => {
      const before = await errorCount()
      const bytes = contentEvent('a') + finishEvent()
      assert.equal(withoutExtraFields((await ask(faults.cut(bytes, framing))).text), bytes + doneEvent)
      assert.equal(await errorCount(), before)
    })

    test(`an end before the first event is a 502 with a JSON error (${name})`, async () => {
      const response = await ask(faults.cut(': hello\n\n', framing))
      assert.equal(response.status, 502)
      assert.equal(response.json.error.type, 'upstream_truncated')
    })

    test(`half an event at the end is not shown to the client (${name})`, async () => {
      const { text } = await ask(faults.cut(contentEvent('a') + 'data: {"choices":[{"del', framing))
      assert.ok(inBandError(text) !== null)
      assert.ok(!text.includes('"del\n') && !text.includes('{"del'))
    })
  }

  test('a whole stream without [DONE], ended as its framing says, gets one', async () => {
    assert.equal(withoutExtraFields((await ask(faults.stream(contentEvent('a') + finishEvent()))).text), contentEvent('a') + finishEvent() + doneEvent)
  })

  test('[DONE] and then an open connection ends the stream for the client', async () => {
    assert.equal(withoutExtraFields((await ask(faults.stall(wholeStream))).text), wholeStream)
  })

  test('events after [DONE] are not passed on', async () => {
    assert.equal(withoutExtraFields((await ask(faults.stream(wholeStream + contentEvent('late') + doneEvent))).text), wholeStream)
  })

  const notStreams: [name: string, script: Script, message: RegExp][] = [
    ['JSON', (exchange) => { exchange.answer(200, wholeReply) }, /content type application\/json/],
    ['HTML', (exchange) => { exchange.answer(200, '<html></html>', { 'content-type': 'text/html' }) }, /content type text\/html/],
    ['nothing', (exchange) => { exchange.answer(200, '', {}) }, /content type \(none\)/]
  ]
  for (const [name, script, message] of notStreams) {
    test(`a 200 with ${name} where a stream was asked for is a 502`, async () => {
      const response = await ask(script)
      assert.equal(response.status, 502)
      assert.equal(response.json.error.type, 'upstream_bad_response')
      assert.match(response.json.error.message, message)
    })
  }

  const failures: [name: string, script: Script, status: number, type: string][] = [
    ['RST before the head', faults.resetBeforeHead(), 502, 'upstream_reset'],
    ['FIN before the head', faults.closeBeforeHead(), 502, 'upstream_reset'],
    ['429', faults.status(429), 429, 'rate_limit_error'],
    ['401', faults.status(401), 401, 'invalid_request_error'],
    ['500', faults.status(500), 500, 'server_error'],
    ['an HTML 502', faults.html502(), 502, 'upstream_error']
  ]
  for (const [name, script, status, type] of failures) {
    for (const stream of [true, false]) {
      test(`${name} is ${status} to the client, ${stream ? 'streamed' : 'unary'}`, async () => {
        const response = await ask(script, { stream })
        assert.equal(response.status, status)
        assert.equal(response.json.error.type, type)
        assert.ok(!response.text.includes('<html'))
      })
    }
  }

  test('a connection that is refused is a 502 that names the provider', async (t) => {
    const gateway = await startTestGateway(t, { providers: { up: upstreamProvider(`http://127.0.0.1:${await refusedPort()}`) } })
    const response = await fetch(`${gateway.url}/v1/chat/completions`, { method: 'POST', body: chatBody('up/m') })
    assert.equal(response.status, 502)
    const { error } = await response.json() as { error: { type: string, message: string } }
    assert.equal(error.type, 'upstream_connect_error')
    assert.match(error.message, /connect to up at .*ECONNREFUSED/)
  })

  test('a unary body that breaks off, by RST or by a wrong content-length, is a 502 and never half an answer', async () => {
    for (const script of [faults.resetMidBody(wholeReply.slice(0, 40)), faults.wrongContentLength()]) {
      const response = await ask(script, {})
      assert.equal(response.status, 502)
      assert.equal(response.json.error.type, 'upstream_reset')
    }
  })

  test('RST in mid-stream and a bad chunk length are in-band errors', async () => {
    assert.equal(inBandError((await ask(faults.badChunkLength())).text)?.type, 'upstream_bad_response')
    const seen = createSignal()
    const { text } = await ask(async (exchange) => {
      exchange.openStream()
      await exchange.write(contentEvent('a'))
      // An RST discards what the peer has not read yet.
      await seen.promise
      exchange.reset()
    }, { stream: true }, async (response) => {
      await response.until('"content":"a"')
      seen.resolve()
    })
    assert.equal(inBandError(text)?.type, 'upstream_truncated')
  })

  test('good and bad answers in turn each get what is theirs', async () => {
    const script = faults.flapping(faults.resetBeforeHead())
    const statuses: number[] = []
    for (let index = 0; index < 10; index++) statuses.push((await ask(script, { stream: index % 4 < 2 })).status)
    assert.deepEqual(statuses, [502, 200, 502, 200, 502, 200, 502, 200, 502, 200])
  })

  test('a late answer within the limits is an answer', async () => {
    assert.equal(withoutExtraFields((await ask(faults.latency(100))).text), wholeStream)
  })

  test('a stall in mid-stream is an in-band error that names the setting', async () => {
    const { text } = await ask(faults.stall(contentEvent('a')))
    assert.match(inBandError(text)?.message ?? '', /stream_idle_timeout_in_seconds \(0\.3 s\)/)
    assert.ok(!text.includes('[DONE]'))
  })

  test('a stall after the finish is a complete answer', async () => {
    const bytes = contentEvent('a') + finishEvent()
    assert.equal(withoutExtraFields((await ask(faults.stall(bytes))).text), bytes + doneEvent)
  })

  test('a stall before the first event is a 504', async () => {
    const response = await ask(faults.stall(': ping\n\n'))
    assert.equal(response.status, 504)
    assert.match(response.json.error.message, /stream_idle_timeout_in_seconds/)
  })

  test('answers in good order, however streamed, all use one connection', async () => {
    await ask(ok)
    const before = upstream.acceptedSockets
    for (let index = 0; index < 10; index++) await ask(ok, { stream: index % 2 === 0 })
    assert.equal(upstream.acceptedSockets, before)
  })

  // The last one: the key rests as long as it was told to.
  test('retry-after and rate limit headers of an error reach the client', async () => {
    const { headers } = await ask(faults.status(429, { 'retry-after': '7', 'x-ratelimit-remaining-requests': '0' }))
    assert.equal(headers['retry-after'], '7')
    assert.equal(headers['x-ratelimit-remaining-requests'], '0')
  })
})
