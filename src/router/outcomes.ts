import type { ErrorCode, GatewayError } from '../errors.ts'

interface OutcomeRow {
  /** What it is, for `docs/outcomes.md`. */
  meaning: string
  retry: 'same-key' | 'next-key' | 'next-key-free' | 'last-resort' | 'never'
  /** Whether the next target may be tried. */
  fallsBack: boolean
  /** Whether the circuit breaker counts it against the target. */
  isFailure: boolean
}

/**
 * What the ending of an attempt means for the request, written once; `docs/outcomes.md` is generated from this table.
 *
 * - `same-key`: again after a pause
 * - `next-key`: this key has had enough; another one at once, the same one after a pause where there is no other
 * - `next-key-free`: this key is refused; another one at once, and `max_retries` does not count it
 * - `last-resort`: again after a pause, but only when no fallback is left, since every try costs a whole timeout
 *
 * Once bytes of an answer have reached the client, nothing is retried, whatever stands here, unless the provider has `stream_recovery`:
 * then what counts for the breaker and may fall back may be continued.
 */
export const outcomeTable = {
  ok: { meaning: 'answered', retry: 'never', fallsBack: false, isFailure: false },
  transient: { meaning: '5xx (but for 501 and 505), 408, 425; connection refused or reset, DNS, TLS; a worker thread that ended; an answer that is none', retry: 'same-key', fallsBack: true, isFailure: true },
  silent: { meaning: 'no connection, no header, no first event, no next event or no end in time', retry: 'last-resort', fallsBack: true, isFailure: true },
  broken_stream: { meaning: 'a stream that ended before its finish', retry: 'same-key', fallsBack: true, isFailure: true },
  diverged: { meaning: 'an attempt to go on with a stream that broke said something else than the client has', retry: 'never', fallsBack: true, isFailure: false },
  key_passing: { meaning: '429 and what says the same in words: the key has had enough for now', retry: 'next-key', fallsBack: true, isFailure: false },
  key_lasting: { meaning: '401, 402, 403, a used-up quota: the key will not do', retry: 'next-key-free', fallsBack: true, isFailure: false },
  request_fault: { meaning: 'any other 4xx, 501, 505, an answer over the size limit', retry: 'never', fallsBack: true, isFailure: false },
  context_length: { meaning: 'the request does not fit the model; `context_length_fallbacks` replace what is left', retry: 'never', fallsBack: true, isFailure: false },
  content_policy: { meaning: 'the provider will not answer this; `content_policy_fallbacks` replace what is left', retry: 'never', fallsBack: true, isFailure: false },
  unavailable: { meaning: 'not tried: queue full, no file descriptor free, breaker open, all keys resting, no key, operation not served, provider not configured', retry: 'never', fallsBack: true, isFailure: false },
  client_gone: { meaning: 'the client left, or took nothing for too long', retry: 'never', fallsBack: false, isFailure: false },
  deadline: { meaning: 'the time of the whole request is over', retry: 'never', fallsBack: false, isFailure: false },
  outpaced: { meaning: 'one of two attempts at once ([hedging](config.md#providersnamehedging)), cancelled since the other one began to answer first; only where the client asks for the trail', retry: 'never', fallsBack: false, isFailure: false },
  internal: { meaning: 'a defect of the gateway', retry: 'never', fallsBack: false, isFailure: false }
} as const satisfies Record<string, OutcomeRow>

export type Outcome = keyof typeof outcomeTable

/** Codes that say enough by themselves; `BIFROST_UPSTREAM_STATUS` is judged by what the provider said. */
const outcomeOfCode: Readonly<Record<Exclude<ErrorCode, 'BIFROST_UPSTREAM_STATUS'>, Outcome>> = {
  BIFROST_INVALID_JSON: 'request_fault',
  BIFROST_INVALID_REQUEST: 'request_fault',
  BIFROST_BODY_TOO_COMPLEX: 'request_fault',
  BIFROST_INVALID_HEADER: 'request_fault',
  BIFROST_MODEL_REQUIRED: 'request_fault',
  BIFROST_MODEL_AMBIGUOUS: 'request_fault',
  BIFROST_ROUTE_NOT_FOUND: 'request_fault',
  BIFROST_PASSTHROUGH_REFUSED: 'request_fault',
  BIFROST_METHOD_NOT_ALLOWED: 'request_fault',
  BIFROST_ADMIN_KEY_REFUSED: 'request_fault',
  BIFROST_NOT_CONFIGURED: 'request_fault',
  BIFROST_CONFIG_CONFLICT: 'request_fault',
  BIFROST_CONFIG_REJECTED: 'request_fault',
  BIFROST_CONFIG_READ_ONLY: 'request_fault',
  BIFROST_BODY_TOO_LARGE: 'request_fault',
  BIFROST_UNKNOWN_PROVIDER: 'unavailable',
  BIFROST_UNSUPPORTED_OPERATION: 'unavailable',
  BIFROST_NO_KEY_FOR_MODEL: 'unavailable',
  BIFROST_KEY_NOT_FOUND: 'unavailable',
  BIFROST_PROVIDER_UNAVAILABLE: 'unavailable',
  BIFROST_REQUEST_DROPPED: 'unavailable',
  BIFROST_CIRCUIT_OPEN: 'unavailable',
  BIFROST_KEYS_RESTING: 'unavailable',
  BIFROST_SHUTTING_DOWN: 'unavailable',
  BIFROST_WORKER_LOST: 'transient',
  BIFROST_INTERNAL: 'internal',
  BIFROST_UPSTREAM_CONNECT: 'transient',
  BIFROST_UPSTREAM_RESET: 'transient',
  BIFROST_UPSTREAM_BAD_RESPONSE: 'transient',
  BIFROST_UPSTREAM_TRUNCATED: 'broken_stream',
  BIFROST_STREAM_DIVERGED: 'diverged',
  BIFROST_UPSTREAM_TOO_LARGE: 'request_fault',
  BIFROST_CONNECT_TIMEOUT: 'silent',
  BIFROST_RESPONSE_HEADER_TIMEOUT: 'silent',
  BIFROST_FIRST_TOKEN_TIMEOUT: 'silent',
  BIFROST_STREAM_IDLE_TIMEOUT: 'silent',
  BIFROST_TOTAL_TIMEOUT: 'silent',
  BIFROST_DEADLINE_EXCEEDED: 'deadline',
  BIFROST_CLIENT_CLOSED: 'client_gone',
  BIFROST_SLOW_CLIENT: 'client_gone'
}

export function toOutcome (error: GatewayError): Outcome {
  return error.code === 'BIFROST_UPSTREAM_STATUS' ? outcomeOfStatus(error) : outcomeOfCode[error.code]
}

/** What says that the provider has too much to do. */
const overloadStatuses: ReadonlySet<number> = new Set([503, 529])

/** Whether fewer attempts at once might have helped: a rate limit, an overload, no answer in time. */
export function isOverload (error: GatewayError): boolean {
  const outcome = toOutcome(error)
  return outcome === 'key_passing' || outcome === 'silent' || (outcome === 'transient' && overloadStatuses.has(error.status) && error.code === 'BIFROST_UPSTREAM_STATUS')
}

const contentPolicyWords = /content[ _-]?(policy|filter|management|moderation)|responsible_?ai|safety[ _](system|settings|violation)|moderation_blocked/i
const contextLengthWords = /context[ _-]?(length|window|size)|maximum (context|input|prompt|number of tokens)|max_tokens_exceeded|too many (input )?tokens|(prompt|input|request)( token count)? (is|was) too (long|large)|input token count|exceeds? the (maximum|model)[^.]*token|string_above_max_length|too large for model|too_many_prompt_tokens|input tokens exceed(ed|s)|total length[^.]* too long/i
/** Some providers answer 400 to a key that they do not know. */
const unknownKeyWords = /(incorrect|invalid)[ _]api[ _]?key|api key not valid/i
/** A quota that waiting does not bring back. */
const usedUpWords = /insufficient[_ ]quota|billing[_ ]hard[_ ]limit|credit balance/i
const rateLimitWords = new RegExp([
  'rate limit', 'rate_limit', 'ratelimit', 'too many requests', 'quota exceeded', 'quota_exceeded', 'request limit', 'throttled', 'throttling', 'rate exceeded', '(?<!size )limit exceeded',
  'requests per', 'rpm exceeded', 'tpm exceeded', 'tokens per minute', 'requests per minute', 'requests per second', 'api rate limit', 'usage limit', 'concurrent requests limit',
  'burst_rate', 'rate increased'
].join('|'), 'i')

/** Server errors that another try does not mend: not implemented, HTTP version not supported. */
const lastingServerErrors: ReadonlySet<number> = new Set([501, 505])
/** Client errors that are about the moment, not about the request: request timeout, too early. */
const passingClientErrors: ReadonlySet<number> = new Set([408, 425])

function outcomeOfStatus (error: GatewayError): Outcome {
  const { status } = error
  const words = `${error.upstreamCode ?? ''} ${error.type} ${error.message}`
  if (status < 500 && status !== 401) {
    if (usedUpWords.test(words) || unknownKeyWords.test(words)) return 'key_lasting'
    if (status !== 429 && contentPolicyWords.test(words)) return 'content_policy'
    // Some providers put the token limit per minute in the same words; a status of 429 settles it.
    if (status !== 429 && contextLengthWords.test(words) && !/per minute|per day|tpm/i.test(words)) return 'context_length'
  }
  if (status === 429) return 'key_passing'
  if (status === 401 || status === 402 || status === 403) return 'key_lasting'
  if (rateLimitWords.test(words)) return 'key_passing'
  if (status >= 500) return lastingServerErrors.has(status) ? 'request_fault' : 'transient'
  return passingClientErrors.has(status) ? 'transient' : 'request_fault'
}
