import { toEventFrame } from './bedrock-frames.ts'

/** An answer that is an error, and what the gateway makes of it. */
export interface Failure {
  /** What of the contract it is an example of. */
  class: '400' | 'too long' | '401' | '403' | '404' | '413' | '429' | '500' | 'overload'
  status: number
  headers?: Record<string, string>
  body: object
  /** Status, type, code, message and outcome. */
  says: readonly [number, string, string | null, string, string]
  /** Seconds of the `retry-after` that goes on. */
  pauseSeconds?: number
}

/** An error where an answer was to be. */
interface InPlace { bytes: Buffer, says: Failure['says'] }

export interface Failures {
  statuses: readonly Failure[]
  /** A 200 whose whole body is an error. */
  inReply: InPlace
  /** An event of a 200. */
  inStream: InPlace
}

const json = (body: object): Buffer => Buffer.from(JSON.stringify(body))
const later = { 'retry-after': '7' }
/** `error.type` where the vendor gives none. */
const none = 'upstream_error'

const claudeError = (type: string, message: string): object => ({ type: 'error', error: { type, message }, request_id: 'req_011CeCGmBjaWkq37Sf5iU7so' })
const claude = (kind: Failure['class'], status: number, type: string, message: string, outcome: string, code: string | null = null): Failure => ({ class: kind, status, body: claudeError(type, message), says: [status, type, code, message, outcome] })

/** The table of Anthropic's documentation; 401 and the prompt that is too long are recorded. */
export const anthropicFailures: Failures = {
  statuses: [
    claude('400', 400, 'invalid_request_error', 'messages.0.content: Field required', 'request_fault'),
    claude('too long', 400, 'invalid_request_error', 'prompt is too long: 3333404 tokens > 200000 maximum', 'context_length', 'context_length_exceeded'),
    claude('401', 401, 'authentication_error', 'invalid x-api-key', 'key_lasting'),
    claude('403', 403, 'permission_error', 'Your API key does not have permission to use the specified resource.', 'key_lasting'),
    claude('404', 404, 'not_found_error', 'model: claude-nope', 'request_fault'),
    claude('413', 413, 'request_too_large', 'Request exceeds the maximum size', 'request_fault'),
    { ...claude('429', 429, 'rate_limit_error', 'This request would exceed your organization\'s rate limit', 'key_passing'), headers: later, pauseSeconds: 7 },
    claude('500', 500, 'api_error', 'Internal server error', 'transient'),
    claude('overload', 529, 'overloaded_error', 'Overloaded', 'transient')
  ],
  inReply: { bytes: json(claudeError('overloaded_error', 'Overloaded')), says: [529, 'overloaded_error', null, 'Overloaded', 'transient'] },
  inStream: { bytes: Buffer.from(`event: error\ndata: ${JSON.stringify(claudeError('overloaded_error', 'Overloaded'))}\n\n`), says: [529, 'overloaded_error', null, 'Overloaded', 'transient'] }
}

const amazon = (kind: Failure['class'], status: number, name: string, message: string, outcome: string, [seen, code]: readonly [number, string | null] = [status, null]): Failure => ({
  class: kind, status, headers: { 'x-amzn-errortype': `${name}:http://internal.amazon.com/coral/com.amazon.bedrock/` }, body: { message }, says: [seen, name, code, message, outcome]
})

/** Errors of Converse in Amazon's API reference; the prompt that is too long and the key are recorded. */
export const bedrockFailures: Failures = {
  statuses: [
    amazon('400', 400, 'ValidationException', 'The model returned the following errors: messages: at least one message is required', 'request_fault'),
    amazon('too long', 400, 'ValidationException', 'The model returned the following errors: Input Tokens Exceeded: Number of input tokens exceeds maximum length. Please update the input to try again.', 'context_length', [400, 'context_length_exceeded']),
    amazon('401', 403, 'UnrecognizedClientException', 'The security token included in the request is invalid.', 'key_lasting', [401, null]),
    amazon('403', 403, 'AccessDeniedException', 'You don\'t have access to the model with the specified model ID.', 'key_lasting'),
    amazon('404', 404, 'ResourceNotFoundException', 'Could not resolve the foundation model from the model identifier: arn:aws:bedrock:x', 'request_fault'),
    { class: '413', status: 413, body: { message: 'Request Too Long' }, says: [413, none, null, 'Request Too Long', 'request_fault'] },
    { ...amazon('429', 429, 'ThrottlingException', 'Too many requests, please wait before trying again.', 'key_passing'), pauseSeconds: 7, headers: { 'x-amzn-errortype': 'ThrottlingException', ...later } },
    amazon('500', 500, 'InternalServerException', 'The system encountered an unexpected error during processing. Try your request again.', 'transient'),
    amazon('overload', 503, 'ServiceUnavailableException', 'Bedrock is unable to process your request.', 'transient')
  ],
  inReply: { bytes: json({ Output: { __type: 'com.amazon.coral.service#ThrottlingException', message: 'Rate exceeded' }, Version: '1.0' }), says: [429, 'ThrottlingException', null, 'Rate exceeded', 'key_passing'] },
  inStream: { bytes: toEventFrame('!serviceUnavailableException', { message: 'Bedrock is unable to process your request.' }), says: [503, 'ServiceUnavailableException', null, 'Bedrock is unable to process your request.', 'transient'] }
}

const rpcError = (code: number, status: string, message: string, details: readonly object[] = []): object => ({ error: { code, message, status, ...details.length === 0 ? {} : { details } } })
const google = (kind: Failure['class'], code: number, status: string, message: string, outcome: string): Failure => ({ class: kind, status: code, body: rpcError(code, status, message), says: [code, status, status, message, outcome] })
const reasonOf = (reason: string): object => ({ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason, domain: 'googleapis.com' })

const googleStatuses: readonly Failure[] = [
  google('400', 400, 'INVALID_ARGUMENT', 'Invalid JSON payload received. Unknown name "x": Cannot find field.', 'request_fault'),
  { ...google('too long', 400, 'INVALID_ARGUMENT', 'The input token count (1250074) exceeds the maximum number of tokens allowed (1048576).', 'context_length'), says: [400, 'INVALID_ARGUMENT', 'context_length_exceeded', 'The input token count (1250074) exceeds the maximum number of tokens allowed (1048576).', 'context_length'] },
  google('403', 403, 'PERMISSION_DENIED', 'Permission denied on resource project p.', 'key_lasting'),
  google('404', 404, 'NOT_FOUND', 'models/gemini-nope is not found for API version v1beta', 'request_fault'),
  google('413', 413, 'FAILED_PRECONDITION', 'Request payload size exceeds the limit: 20971520 bytes.', 'request_fault'),
  {
    class: '429',
    status: 429,
    body: rpcError(429, 'RESOURCE_EXHAUSTED', 'Quota exceeded for metric: generate_content_requests', [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '6.2s' }]),
    says: [429, 'RESOURCE_EXHAUSTED', 'RESOURCE_EXHAUSTED', 'Quota exceeded for metric: generate_content_requests', 'key_passing'],
    pauseSeconds: 7
  },
  google('500', 500, 'INTERNAL', 'An internal error has occurred.', 'transient'),
  google('overload', 503, 'UNAVAILABLE', 'The model is overloaded. Please try again later.', 'transient')
]
const overloaded: Failure['says'] = [503, 'UNAVAILABLE', 'UNAVAILABLE', 'The model is overloaded.', 'transient']
const googleInPlace = {
  inReply: { bytes: json(rpcError(503, 'UNAVAILABLE', 'The model is overloaded.')), says: overloaded },
  inStream: { bytes: Buffer.from(`data: ${JSON.stringify(rpcError(503, 'UNAVAILABLE', 'The model is overloaded.'))}\r\n\r\n`), says: overloaded }
}

/** google.rpc.Status; a key that Google does not know is recorded as a 400. */
export const geminiFailures: Failures = {
  ...googleInPlace,
  statuses: [...googleStatuses, { class: '401', status: 400, body: rpcError(400, 'INVALID_ARGUMENT', 'API key not valid. Please pass a valid API key.', [reasonOf('API_KEY_INVALID')]), says: [401, 'INVALID_ARGUMENT', 'API_KEY_INVALID', 'API key not valid. Please pass a valid API key.', 'key_lasting'] }]
}

const staleToken = 'Request had invalid authentication credentials.'
const staleTokenFailure: Failure = { class: '401', status: 401, body: rpcError(401, 'UNAUTHENTICATED', staleToken, [reasonOf('ACCESS_TOKEN_EXPIRED')]), says: [401, 'UNAUTHENTICATED', 'ACCESS_TOKEN_EXPIRED', staleToken, 'key_lasting'] }

export const vertexFailures: Failures = { ...googleInPlace, statuses: [...googleStatuses, staleTokenFailure] }

/** Google's front door speaks in Google's words, the model behind it in Anthropic's. */
export const vertexClaudeFailures: Failures = {
  ...anthropicFailures,
  statuses: [...anthropicFailures.statuses.filter((failure) => !['401', '403', '429'].includes(failure.class)), ...googleStatuses.filter((failure) => ['403', '429'].includes(failure.class)), staleTokenFailure]
}

const cohere = (kind: Failure['class'], status: number, message: string, outcome: string): Failure => ({ class: kind, status, body: { id: '2d4609a6-d1f9-4cf4-8d09-af865409bdc2', message }, says: [status, none, null, message, outcome] })
const tooManyTokens = 'too many tokens: size limit exceeded by 25836 tokens. Try using shorter or fewer inputs. The limit for this model is 288000 tokens.'

/** Cohere's page of errors; 401 and the prompt that is too long are recorded. A failure of the model is a reason to finish. */
export const cohereFailures: Failures = {
  statuses: [
    cohere('400', 400, 'invalid request: message must be at least 1 token long or tool results must be specified.', 'request_fault'),
    { class: 'too long', status: 400, body: { error_type: 'TOO_MANY_TOKENS', id: 'x', message: tooManyTokens }, says: [400, none, 'context_length_exceeded', tooManyTokens, 'context_length'] },
    cohere('401', 401, 'invalid api token', 'key_lasting'),
    cohere('403', 403, 'This key may not use this model.', 'key_lasting'),
    cohere('404', 404, 'model \'nope\' not found, make sure the correct model ID was used and that you have access to the model.', 'request_fault'),
    cohere('413', 413, 'request entity too large', 'request_fault'),
    { ...cohere('429', 429, 'You are using a Trial key, which is limited to 40 API calls / minute.', 'key_passing'), headers: later, pauseSeconds: 7 },
    cohere('500', 500, 'internal server error', 'transient'),
    cohere('overload', 503, 'service unavailable', 'transient')
  ],
  inReply: { bytes: json({ id: 'c-1', finish_reason: 'ERROR', message: { role: 'assistant', content: [] } }), says: [500, none, 'ERROR', 'cohere ended its answer with ERROR.', 'transient'] },
  inStream: { bytes: Buffer.from('event: message-end\ndata: {"type":"message-end","delta":{"finish_reason":"ERROR","error":"model crashed"}}\n\n'), says: [500, none, 'ERROR', 'model crashed', 'transient'] }
}

const mistral = (kind: Failure['class'], status: number, type: string, message: string, code: string | null, outcome: string, seen: string | null = code): Failure => ({ class: kind, status, body: { object: 'error', message, type, param: null, code }, says: [status, type, seen, message, outcome] })
const slowDown = { object: 'error', message: 'Rate limit exceeded', type: 'rate_limited', param: null, code: '1300' }
const slowDownSays: Failure['says'] = [429, 'rate_limited', '1300', 'Rate limit exceeded', 'key_passing']

/** Bodies from reports of Mistral's users; 401 is recorded. */
export const mistralFailures: Failures = {
  statuses: [
    mistral('400', 400, 'invalid_request_message_order', 'Expected last role User or Tool (or Assistant with prefix True) for serving but got assistant', '3230', 'request_fault'),
    mistral('too long', 400, 'invalid_request_prompt', 'Prompt contains 140000 tokens and 0 draft tokens, too large for model with 131072 maximum context length', '3051', 'context_length', 'context_length_exceeded'),
    { class: '401', status: 401, body: { detail: 'Invalid API Key' }, says: [401, none, null, 'Invalid API Key', 'key_lasting'] },
    { class: '403', status: 403, body: { detail: 'Forbidden' }, says: [403, none, null, 'Forbidden', 'key_lasting'] },
    { class: '404', status: 404, body: { detail: 'Not Found' }, says: [404, none, null, 'Not Found', 'request_fault'] },
    { class: '413', status: 413, body: { message: 'Request size limit exceeded' }, says: [413, none, null, 'Request size limit exceeded', 'request_fault'] },
    { class: '429', status: 429, headers: later, body: slowDown, says: slowDownSays, pauseSeconds: 7 },
    mistral('500', 500, 'internal_server_error', 'Internal server error', '1000', 'transient'),
    mistral('overload', 503, 'service_unavailable', 'Service unavailable.', '3502', 'transient')
  ],
  inReply: { bytes: json(slowDown), says: slowDownSays },
  inStream: { bytes: Buffer.from(`data: ${JSON.stringify(slowDown)}\n\n`), says: slowDownSays }
}

const ollama = (kind: Failure['class'], status: number, message: string, outcome: string, code: string | null = null): Failure => ({ class: kind, status, body: { error: message }, says: [status, none, code, message, outcome] })
const crashed = 'an error was encountered while running the model'

/** Texts of Ollama's source; its cloud adds 401, 403 and 429. */
export const ollamaFailures: Failures = {
  statuses: [
    ollama('400', 400, 'registry.ollama.ai/library/llama2:latest does not support tools', 'request_fault'),
    ollama('too long', 400, 'prompt too long; exceeded max context length by 1119046 tokens', 'context_length', 'context_length_exceeded'),
    ollama('401', 401, 'unauthorized', 'key_lasting'),
    ollama('403', 403, 'this model requires a subscription, upgrade for access', 'key_lasting'),
    ollama('404', 404, 'model \'nope\' not found', 'request_fault'),
    ollama('413', 413, 'request body too large', 'request_fault'),
    { ...ollama('429', 429, 'you have reached your hourly usage limit, please upgrade to continue', 'key_passing'), headers: later, pauseSeconds: 7 },
    ollama('500', 500, 'llama runner process has terminated: exit status 2', 'transient'),
    ollama('overload', 503, 'server busy, please try again.  maximum pending requests exceeded', 'transient')
  ],
  inReply: { bytes: json({ error: crashed }), says: [500, none, null, crashed, 'transient'] },
  inStream: { bytes: Buffer.from(`${JSON.stringify({ error: crashed })}\n`), says: [500, none, null, crashed, 'transient'] }
}

const openAi = (kind: Failure['class'], status: number, type: string, code: string | null, message: string, outcome: string): Failure => ({ class: kind, status, body: { error: { message, type, param: null, code } }, says: [status, type, code, message, outcome] })
const serverError = { error: { message: 'The server had an error while processing your request. Sorry about that!', type: 'server_error', param: null, code: null } }
const serverErrorSays: Failure['says'] = [500, 'server_error', null, serverError.error.message, 'transient']
const openAiInPlace = { inReply: { bytes: json(serverError), says: serverErrorSays }, inStream: { bytes: Buffer.from(`data: ${JSON.stringify(serverError)}\n\n`), says: serverErrorSays } }
const tooLong = openAi('too long', 400, 'invalid_request_error', 'context_length_exceeded', 'This model\'s maximum context length is 128000 tokens. However, your messages resulted in 250000 tokens.', 'context_length')

/** OpenAI's page of error codes; 401 is recorded. */
export const openAiFailures: Failures = {
  ...openAiInPlace,
  statuses: [
    openAi('400', 400, 'invalid_request_error', 'invalid_type', 'Invalid type for \'messages\': expected an array of objects, but got a string instead.', 'request_fault'),
    tooLong,
    openAi('401', 401, 'invalid_request_error', 'invalid_api_key', 'Incorrect API key provided: invalid-key. You can find your API key at https://platform.openai.com/account/api-keys.', 'key_lasting'),
    openAi('403', 403, 'request_forbidden', 'unsupported_country_region_territory', 'Country, region, or territory not supported', 'key_lasting'),
    openAi('404', 404, 'invalid_request_error', 'model_not_found', 'The model `nope` does not exist or you do not have access to it.', 'request_fault'),
    openAi('413', 413, 'invalid_request_error', null, 'Request body too large.', 'request_fault'),
    { ...openAi('429', 429, 'requests', 'rate_limit_exceeded', 'Rate limit reached for gpt-4o-mini in organization org-x on requests per min (RPM): Limit 3, Used 3, Requested 1.', 'key_passing'), headers: later, pauseSeconds: 7 },
    openAi('429', 429, 'insufficient_quota', 'insufficient_quota', 'You exceeded your current quota, please check your plan and billing details.', 'key_lasting'),
    { class: '500', status: 500, body: serverError, says: serverErrorSays },
    openAi('overload', 503, 'service_unavailable_error', null, 'The engine is currently overloaded, please try again later', 'transient')
  ]
}

const azure = (kind: Failure['class'], status: number, code: string, message: string, outcome: string): Failure => ({ class: kind, status, body: { error: { code, message } }, says: [status, none, code, message, outcome] })

/** Azure has words of its own; 401 and 429 are recorded. */
export const azureFailures: Failures = {
  ...openAiInPlace,
  statuses: [
    azure('400', 400, 'BadRequest', 'stream_options is not supported.', 'request_fault'),
    { class: '400', status: 400, body: { error: { message: 'The response was filtered due to the prompt triggering Azure OpenAI\'s content management policy.', type: null, param: 'prompt', code: 'content_filter', status: 400 } }, says: [400, none, 'content_filter', 'The response was filtered due to the prompt triggering Azure OpenAI\'s content management policy.', 'content_policy'] },
    tooLong,
    azure('401', 401, '401', 'Access denied due to invalid subscription key or wrong API endpoint.', 'key_lasting'),
    azure('403', 403, 'PermissionDenied', 'The principal lacks the required data action.', 'key_lasting'),
    azure('404', 404, 'DeploymentNotFound', 'The API deployment for this resource does not exist.', 'request_fault'),
    azure('413', 413, 'RequestEntityTooLarge', 'Request Entity Too Large', 'request_fault'),
    { ...azure('429', 429, 'RateLimitReached', 'Your requests to gpt-4o-mini have exceeded rate limit.', 'key_passing'), headers: { ...later, 'retry-after-ms': '7000' }, pauseSeconds: 7 },
    azure('500', 500, 'InternalServerError', 'Backend returned unexpected response.', 'transient'),
    azure('overload', 503, 'ServiceUnavailable', 'The service is temporarily unable to process your request.', 'transient')
  ]
}
