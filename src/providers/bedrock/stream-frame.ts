import type { Message } from '@smithy/eventstream-codec'
import { eventStreamCodec } from '../../api/event-stream-codec.ts'
import type { StreamEvent } from '../../api/framing.ts'
import type { GatewayError } from '../../errors.ts'
import { badResponse } from '../bad-response.ts'
import { toStreamException } from './errors.ts'

/** One frame of Amazon's event stream. The payload is null where it is no JSON object. */
export type StreamFrame<Payload> = { error: GatewayError } | { error: null, type: string, payload: Payload | null }

interface ExceptionPayload { message?: string, Message?: string }

export function readFrame<Payload extends object> (provider: string, event: StreamEvent): StreamFrame<Payload> {
  let message: Message
  try {
    message = eventStreamCodec().decode(event.bytes.subarray(event.start, event.end))
  } catch (cause) {
    return { error: badResponse(provider, 'an event-stream frame that is broken', cause) }
  }
  const payload = parseObject(message.body)
  const kind = headerOf(message, ':message-type')
  if (kind !== 'exception' && kind !== 'error') return { error: null, type: headerOf(message, ':event-type'), payload: payload as Payload | null }
  const name = headerOf(message, ':exception-type') || headerOf(message, ':error-code')
  const said = payload as ExceptionPayload | null
  return { error: toStreamException(provider, name, said?.message ?? said?.Message ?? headerOf(message, ':error-message')) }
}

function headerOf ({ headers }: Message, name: string): string {
  const value = headers[name]?.value
  return typeof value === 'string' ? value : ''
}

/** @returns null for what is no JSON object */
export function parseObject (bytes: Uint8Array): object | null {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'))
    return typeof value === 'object' && value !== null ? value : null
  } catch {
    return null
  }
}
