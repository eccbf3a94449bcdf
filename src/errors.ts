/**
 * Every way a request can fail, written once. `docs/errors.md` is generated from this table and
 * `test/errors.test.ts` pins it; a new failure is a new code here, rarely a new class.
 *
 * - status: HTTP status of the answer (0: the client has left, nothing is sent)
 * - type: `error.type` on the wire
 * - retryable: whether the same request may succeed later or elsewhere
 * - message: default text; callers usually give one that names the field or setting
 */
export const errorTable = {
  // The client's request is at fault.
  BIFROST_INVALID_JSON: { status: 400, type: 'invalid_request_error', retryable: false, message: 'The request body is not valid JSON.' },
  BIFROST_INVALID_REQUEST: { status: 400, type: 'invalid_request_error', retryable: false, message: 'The request is not valid.' },
  BIFROST_BODY_TOO_COMPLEX: { status: 400, type: 'invalid_request_error', retryable: false, message: 'The request body is nested too deeply or has too many keys.' },
  BIFROST_INVALID_HEADER: { status: 400, type: 'invalid_request_error', retryable: false, message: 'A request header is not valid.' },
  BIFROST_MODEL_REQUIRED: { status: 400, type: 'invalid_request_error', retryable: false, message: 'model is required.' },
  BIFROST_MODEL_AMBIGUOUS: { status: 400, type: 'invalid_request_error', retryable: false, message: 'could not auto resolve a provider for the request, please specify a provider explicitly' },
  BIFROST_UNKNOWN_PROVIDER: { status: 400, type: 'invalid_request_error', retryable: false, message: 'The provider is not configured.' },
  BIFROST_UNSUPPORTED_OPERATION: { status: 400, type: 'unsupported_operation', retryable: false, message: 'The provider does not support this operation.' },
  BIFROST_NO_KEY_FOR_MODEL: { status: 400, type: 'invalid_request_error', retryable: false, message: 'no keys found that support the model' },
  BIFROST_KEY_NOT_FOUND: { status: 400, type: 'invalid_request_error', retryable: false, message: 'no supported key found with the name or id given' },
  BIFROST_ROUTE_NOT_FOUND: { status: 404, type: 'invalid_request_error', retryable: false, message: 'Route not found.' },
  BIFROST_PASSTHROUGH_REFUSED: { status: 403, type: 'permission_error', retryable: false, message: 'This path does not go through to a provider unread.' },
  BIFROST_METHOD_NOT_ALLOWED: { status: 405, type: 'invalid_request_error', retryable: false, message: 'The method is not allowed here.' },
  BIFROST_ADMIN_KEY_REFUSED: { status: 401, type: 'authentication_error', retryable: false, message: 'The management API needs server.admin_key as a bearer token.' },
  BIFROST_NOT_CONFIGURED: { status: 404, type: 'invalid_request_error', retryable: false, message: 'It is not in the configuration.' },
  BIFROST_CONFIG_CONFLICT: { status: 409, type: 'invalid_request_error', retryable: false, message: 'It is in the configuration already.' },
  BIFROST_CONFIG_REJECTED: { status: 400, type: 'invalid_request_error', retryable: false, message: 'The configuration was not taken over.' },
  BIFROST_CONFIG_READ_ONLY: { status: 409, type: 'config_read_only', retryable: false, message: 'The configuration cannot be changed here.' },
  BIFROST_BODY_TOO_LARGE: { status: 413, type: 'invalid_request_error', retryable: false, message: 'The request body is larger than client.max_request_body_size_mb.' },
  BIFROST_CLIENT_CLOSED: { status: 499, type: 'request_cancelled', retryable: false, message: 'The client closed the connection before the answer was complete.' },

  // The gateway cannot take the request now.
  BIFROST_PROVIDER_UNAVAILABLE: { status: 503, type: 'provider_unavailable', retryable: false, message: 'The provider has no usable key.' },
  BIFROST_REQUEST_DROPPED: { status: 503, type: 'request_dropped', retryable: true, message: 'request dropped: queue is full' },
  BIFROST_CIRCUIT_OPEN: { status: 503, type: 'circuit_open', retryable: true, message: 'The model failed too often lately and is left alone for a while.' },
  BIFROST_KEYS_RESTING: { status: 429, type: 'rate_limit_error', retryable: true, message: 'All keys of the provider rest after a rate limit.' },
  BIFROST_SHUTTING_DOWN: { status: 503, type: 'shutting_down', retryable: true, message: 'The gateway is shutting down.' },
  BIFROST_WORKER_LOST: { status: 502, type: 'worker_lost', retryable: true, message: 'The worker thread that served this request ended.' },
  BIFROST_INTERNAL: { status: 500, type: 'internal_error', retryable: false, message: 'Internal error.' },

  // The upstream failed.
  BIFROST_UPSTREAM_STATUS: { status: 502, type: 'upstream_error', retryable: false, message: 'The provider answered with an error.' },
  BIFROST_UPSTREAM_CONNECT: { status: 502, type: 'upstream_connect_error', retryable: true, message: 'Could not connect to the provider.' },
  BIFROST_UPSTREAM_RESET: { status: 502, type: 'upstream_reset', retryable: true, message: 'The provider closed the connection before the answer was complete.' },
  BIFROST_UPSTREAM_TRUNCATED: { status: 502, type: 'upstream_truncated', retryable: true, message: 'The provider ended the stream before it was finished.' },
  BIFROST_UPSTREAM_BAD_RESPONSE: { status: 502, type: 'upstream_bad_response', retryable: true, message: 'The provider sent an answer that is not what its API defines.' },
  BIFROST_STREAM_DIVERGED: { status: 502, type: 'stream_diverged', retryable: true, message: 'The provider was to go on with a stream that broke, but its answer differs from what the client has.' },
  BIFROST_UPSTREAM_TOO_LARGE: { status: 502, type: 'upstream_too_large', retryable: false, message: 'The answer of the provider is larger than the limit.' },
  BIFROST_CONNECT_TIMEOUT: { status: 504, type: 'request_timed_out', retryable: true, message: 'Connecting to the provider took longer than network_config.connect_timeout_in_seconds.' },
  BIFROST_RESPONSE_HEADER_TIMEOUT: { status: 504, type: 'request_timed_out', retryable: true, message: 'The provider sent no response header within network_config.response_header_timeout_in_seconds.' },
  BIFROST_FIRST_TOKEN_TIMEOUT: { status: 504, type: 'request_timed_out', retryable: true, message: 'The provider began no answer within network_config.first_token_timeout_in_seconds.' },
  BIFROST_STREAM_IDLE_TIMEOUT: { status: 504, type: 'request_timed_out', retryable: true, message: 'The provider sent nothing for longer than network_config.stream_idle_timeout_in_seconds.' },
  BIFROST_TOTAL_TIMEOUT: { status: 504, type: 'request_timed_out', retryable: true, message: 'The request took longer than network_config.default_request_timeout_in_seconds.' },
  BIFROST_DEADLINE_EXCEEDED: { status: 504, type: 'request_timed_out', retryable: false, message: 'The request was not answered within its time, over queue, retries and fallbacks.' },
  BIFROST_SLOW_CLIENT: { status: 499, type: 'slow_client', retryable: false, message: 'The client did not read the answer for longer than client.slow_client_timeout_in_seconds.' }
} as const satisfies Record<string, { status: number, type: string, retryable: boolean, message: string }>

export type ErrorCode = keyof typeof errorTable

/** What an error says beyond its code; everything here may reach the client. */
export interface ErrorDetails {
  message?: string
  /** The request field at fault, in OpenAI's `param`. */
  param?: string
  /** Overrides the table's status: an upstream's own status passes through. */
  status?: number
  /** Overrides the table's type with the upstream's own. */
  type?: string
  /** `error.code` as the upstream gave it; the table's code name otherwise. */
  upstreamCode?: string
  provider?: string
  /** When the client may come back, where we know. */
  retryAfterSeconds?: number
  cause?: unknown
}

/**
 * The one error class. It crosses threads as an `ErrorRecord` (a posted Error loses its own fields)
 * and becomes client JSON in `src/transport/error-body.ts` only.
 */
export class GatewayError extends Error {
  override readonly name = 'GatewayError'
  readonly code: ErrorCode
  readonly status: number
  readonly type: string
  readonly retryable: boolean
  readonly param: string | null
  readonly upstreamCode: string | null
  readonly provider: string | null
  readonly retryAfterSeconds: number | null

  constructor (code: ErrorCode, details: ErrorDetails = {}) {
    const row = errorTable[code]
    super(details.message ?? row.message, { cause: details.cause })
    this.code = code
    this.status = details.status ?? row.status
    this.type = details.type ?? row.type
    this.retryable = row.retryable
    this.param = details.param ?? null
    this.upstreamCode = details.upstreamCode ?? null
    this.provider = details.provider ?? null
    this.retryAfterSeconds = details.retryAfterSeconds ?? null
  }

  /** For the answer, as a `name: value` line, or empty. */
  get headers (): string {
    return this.retryAfterSeconds === null ? '' : `retry-after: ${this.retryAfterSeconds}`
  }
}

/** A `GatewayError` as it crosses threads. */
export interface ErrorRecord {
  code: ErrorCode
  message: string
  status: number
  type: string
  param: string | null
  upstreamCode: string | null
}

/** What caused an internal error goes along as text, for the log; the client never sees that message. */
export function toErrorRecord (error: GatewayError): ErrorRecord {
  const { code, status, type, param, upstreamCode, cause } = error
  const message = code === 'BIFROST_INTERNAL' && cause instanceof Error ? cause.stack ?? cause.message : error.message
  return { code, message, status, type, param, upstreamCode }
}

export function fromErrorRecord (record: ErrorRecord, provider: string): GatewayError {
  return new GatewayError(record.code, {
    message: record.message,
    status: record.status,
    type: record.type,
    param: record.param ?? undefined,
    upstreamCode: record.upstreamCode ?? undefined,
    provider
  })
}
