import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { startFaultUpstream } from '../helpers/fault-upstream.ts'
import type { Script } from '../helpers/fault-upstream.ts'
import { faults, ok } from '../helpers/faults.ts'
import { chatBody, startTestGateway, upstreamProvider } from '../helpers/gateway.ts'
import { RawClient } from '../helpers/http-client.ts'
import type { ClientResponse } from '../helpers/http-client.ts'
import { contentEvent, doneEvent, finishEvent, inBandError, usageEvent, wholeStream, withoutExtraFields } from '../helpers/sse.ts'
import { createSignal } from '../helpers/wait.ts'

describe('a relayed stream', async () => {
  const upstream = await startFaultUpstream({ after }, ok)
  const gateway = await startTestGateway({ after }, { providers: { up: upstreamProvider(upstream.url) } })

  /** A streamed answer, read to its end. */
  async function stream (script: Script, more: object = {}): Promise<ClientResponse> {
    upstream.script = script
    const client = await RawClient.connect(gateway.port)
    const response = await client.chat(chatBody('up/m', { stream: true, ...more }))
    assert.equal(await response.end(), 'complete')
    client.socket.destroy()
    return response
  }

  test('every event reaches the client before the upstream sends the next one', async (t) => {
    const client = await RawClient.connect(gateway.port)
    t.after(() => { client.socket.destroy() })
    const gates = Array.from({ length: 5 }, () => createSignal())
    const finish = createSignal()
    upstream.script = async (exchange) => {
      exchange.openStream()
      for (const [index, gate] of gates.entries()) {
        await gate.promise
        void exchange.write(contentEvent(`event ${index}`))
      }
      await finish.promise
      void exchange.write(finishEvent() + doneEvent)
      exchange.end()
    }
    const head = client.chat(chatBody('up/m', { stream: true }))
    gates[0]!.resolve()
    const response = await head
    assert.equal(response.status, 200)
    assert.equal(response.headers['content-type'], 'text/event-stream')
    for (let index = 0; index < gates.length; index++) {
      gates[index]!.resolve()
      await response.until(`event ${index}`)
      assert.ok(!response.text.includes(`event ${index + 1}`))
    }
    finish.resolve()
    assert.equal(await response.end(), 'complete')
    assert.ok(response.text.endsWith(doneEvent))
  })

  test('extra_fields is the only thing that differs from what the upstream sent', async () => {
    const { text } = await stream(ok)
    assert.equal(withoutExtraFields(text), wholeStream)
    assert.equal(text.match(/"extra_fields":\{/g)?.length, 3, 'one per event, none for [DONE]')
    const chunks = text.trim().split('\n\n').slice(0, -1).map((event) => JSON.parse(event.slice('data: '.length)) as { extra_fields: Record<string, unknown> })
    assert.deepEqual(chunks.map((chunk) => chunk.extra_fields.chunk_index), [0, 1, 2])
    assert.deepEqual(chunks.map((chunk) => chunk.extra_fields.provider), ['up', 'up', 'up'])
  })

  const crLf = wholeStream.replaceAll('\n', '\r\n')
  const variants: Record<string, string> = {
    'CR LF line ends': crLf,
    'CR line ends': wholeStream.replaceAll('\n', '\r'),
    'a byte-order mark': `\ufeff${wholeStream}`,
    'comments before, between and after': `: keep-alive\n\n${contentEvent('a')}: OPENROUTER PROCESSING\n\n${contentEvent('b')}:\n\n${finishEvent()}${doneEvent}`,
    'a comment line inside an event': `: ping\n${contentEvent('a')}${finishEvent()}${doneEvent}`,
    'event, id and retry fields': `event: message\nid: 7\nretry: 10\n${contentEvent('a')}${finishEvent()}${doneEvent}`,
    'no space after data:': wholeStream.replaceAll('data: ', 'data:'),
    'empty data': `data:\n\n${wholeStream}`,
    'an event that is no JSON': `${contentEvent('a')}data: {"choices": oops\n\n${finishEvent()}${doneEvent}`,
    'no blank line after [DONE]': wholeStream.slice(0, -1)
  }
  for (const [name, bytes] of Object.entries(variants)) {
    test(`a stream with ${name} goes through byte for byte`, async () => {
      const { text } = await stream(faults.stream(bytes))
      assert.equal(withoutExtraFields(text).trimEnd(), bytes.trimEnd())
      assert.equal(text.split('[DONE]').length, 2, '[DONE] once')
    })
  }

  test('data over several lines is relayed as it came and counts as one event', async () => {
    const event = 'data: {"id":"x","object":"chat.completion.chunk","created":1,"model":"m",\ndata: "choices":[{"index":0,"delta":{"content":"two lines"},"finish_reason":null}]}\n\n'
    const { text } = await stream(faults.stream(event + finishEvent() + doneEvent))
    assert.ok(text.startsWith(event))
  })

  for (const [name, bytes] of [['LF', wholeStream], ['CR LF, comment and byte-order mark', `\ufeff: hi\r\n\r\n${crLf}`]] as const) {
    test(`a stream cut in two at every byte gives the same bytes (${name})`, { timeout: 60_000 }, async () => {
      const whole = Buffer.from(bytes)
      for (let at = 1; at < whole.length; at++) {
        const first = createSignal()
        const { text } = await stream(async (exchange) => {
          exchange.openStream()
          await exchange.write(whole.subarray(0, at))
          // The second half is sent by a later turn of the loop, so it is another read for the gateway.
          setImmediate(() => { first.resolve() })
          await first.promise
          void exchange.write(whole.subarray(at))
          exchange.end()
        })
        assert.equal(withoutExtraFields(text).trimEnd(), bytes.trimEnd(), `cut at ${at}`)
        assert.equal(text.split('"extra_fields"').length, 4, `cut at ${at}`)
      }
    })
  }

  test('a stream that comes in random small pieces gives the same bytes', async () => {
    const long = Array.from({ length: 20 }, (_, index) => contentEvent(`äöü ${index}`)).join('') + finishEvent() + doneEvent
    for (let seed = 1; seed <= 20; seed++) {
      const { text } = await stream(faults.slicer(long, seed === 1 ? 1 : 40, seed))
      assert.equal(withoutExtraFields(text), long, `seed ${seed}`)
    }
  })

  test('a line of 1 MB goes through whole', async () => {
    const bytes = contentEvent('x'.repeat(1024 * 1024)) + finishEvent() + doneEvent
    const { text } = await stream(faults.stream(bytes))
    assert.ok(withoutExtraFields(text) === bytes)
  })

  test('an event past the size limit ends the stream with an in-band error', async (t) => {
    upstream.script = faults.stream(contentEvent('a') + contentEvent('x'.repeat(64 * 1024)) + finishEvent() + doneEvent)
    const small = await startTestGateway(t, { providers: { up: upstreamProvider(upstream.url, { network: { max_stream_event_size_mb: 0.01 } }) } })
    const client = await RawClient.connect(small.port)
    t.after(() => { client.socket.destroy() })
    const response = await client.chat(chatBody('up/m', { stream: true }))
    await response.end()
    assert.match(inBandError(response.text)?.message ?? '', /max_stream_event_size_mb/)
    assert.ok(!response.text.includes('[DONE]'))
  })

  /** Input and output tokens booked so far. */
  async function tokens (): Promise<[number, number]> {
    return [await gateway.metric('bifrost_input_tokens_total', { provider: 'up' }), await gateway.metric('bifrost_output_tokens_total', { provider: 'up' })]
  }

  test('usage of a stream is counted, and hidden from a client that did not ask for it', async () => {
    const [input, output] = await tokens()
    const { text } = await stream(faults.stream(contentEvent('a') + finishEvent() + usageEvent(11, 7) + doneEvent))
    assert.deepEqual(JSON.parse(upstream.requests.at(-1)!.body.toString()).stream_options, { include_usage: true })
    assert.equal(withoutExtraFields(text), contentEvent('a') + finishEvent() + doneEvent)
    assert.deepEqual(await tokens(), [input + 11, output + 7])
  })

  test('usage is shown to a client that asked for it', async () => {
    const [input, output] = await tokens()
    const bytes = contentEvent('a') + finishEvent() + usageEvent(11, 7) + doneEvent
    const { text } = await stream(faults.stream(bytes), { stream_options: { include_usage: true } })
    assert.equal(withoutExtraFields(text), bytes)
    assert.deepEqual(await tokens(), [input + 11, output + 7])
  })

  test('usage beside a choice is shown, whoever asked for it', async () => {
    const [input, output] = await tokens()
    const last = finishEvent().replace('}]}', '}],"usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}}')
    const { text } = await stream(faults.stream(contentEvent('a') + last + doneEvent))
    assert.equal(withoutExtraFields(text), contentEvent('a') + last + doneEvent)
    assert.deepEqual(await tokens(), [input + 3, output + 4])
  })
})
