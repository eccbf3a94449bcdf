import type { GatewayError } from '../errors.ts'
import { toErrorBody } from './error-body.ts'
import type { ErrorContext } from './error-context.ts'

interface ErrorBody { error: { message: string, type: string, param: string | null, code: string }, [member: string]: unknown }

/**
 * How a Responses stream fails: an `error` event, at which the SDK throws, and the Response as failed, for who reads on.
 * The events before were written elsewhere and not counted here. There are fewer of them than bytes, so that a number
 * from the bytes is higher than theirs; numbers may have gaps.
 */
export function toResponsesFailure (error: GatewayError, { identity, requestId, trail, sentBytes, nowSeconds }: ErrorContext): string {
  const body = JSON.parse(toErrorBody(error, identity, requestId, trail)) as ErrorBody
  const { message, code, param } = body.error
  const response = {
    id: `resp_${requestId}`,
    object: 'response',
    created_at: nowSeconds,
    status: 'failed',
    error: { code, message },
    incomplete_details: null,
    model: identity === null ? '' : JSON.parse(Buffer.from(identity.modelJson).toString('utf8')) as string,
    output: [],
    usage: null
  }
  return toEvent('error', { ...body, type: 'error', code, message, param, sequence_number: sentBytes }) +
    toEvent('response.failed', { type: 'response.failed', response, sequence_number: sentBytes + 1 })
}

function toEvent (name: string, data: object): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`
}
