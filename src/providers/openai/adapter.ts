import type { JobFrame } from '../../api/job.ts'
import type { Operation } from '../../api/operations.ts'
import type { KeySettings, ProviderSettings } from '../../api/settings.ts'
import { GatewayError } from '../../errors.ts'
import type { Adapter, AdapterRequest, ReplyHeaders } from '../adapter.ts'
import type { Family } from '../family.ts'
import { toOperationUrl } from '../operation-url.ts'
import { contentTypeOf } from '../reply-headers.ts'
import { contentHeaders, withForwarded } from '../upstream-headers.ts'
import { toUpstreamError } from './errors.ts'
import { OpenAiCall } from './openai-call.ts'

const jsonContent = ['content-type', 'application/json']

/**
 * The OpenAI wire format, for OpenAI itself and for everyone who copied it.
 * @param family of a provider whose errors are its own
 */
export function createOpenAiAdapter (settings: ProviderSettings, family: Pick<Family, 'toError'> | null = null): Adapter {
  const endpoint = new Endpoint(settings, family)
  return { open: (job) => new OpenAiBytesCall(endpoint, job) }
}

/** What all requests to a provider have in common, made once. */
class Endpoint {
  readonly settings: ProviderSettings
  readonly family: Pick<Family, 'toError'> | null
  readonly urls: ReadonlyMap<Operation, { origin: string, path: string }>
  /** By key, of requests with a JSON body. */
  readonly unaryHeaders: readonly string[][]
  readonly streamHeaders: readonly string[][]

  constructor (settings: ProviderSettings, family: Pick<Family, 'toError'> | null) {
    this.settings = settings
    this.family = family
    this.urls = new Map(settings.nativeOperations.map((operation) => {
      const url = toOperationUrl(settings, operation)
      return [operation, { origin: url.origin, path: url.pathname + url.search }]
    }))
    this.unaryHeaders = settings.keys.map((key) => toHeaders(settings, key, jsonContent, 'application/json'))
    this.streamHeaders = settings.keys.map((key) => toHeaders(settings, key, jsonContent, 'text/event-stream'))
  }
}

class OpenAiBytesCall extends OpenAiCall {
  private readonly endpoint: Endpoint

  constructor (endpoint: Endpoint, job: JobFrame) {
    super(endpoint.settings.name, job)
    this.endpoint = endpoint
  }

  toRequest (): AdapterRequest {
    const { job, endpoint: { settings, urls, unaryHeaders, streamHeaders } } = this
    const url = urls.get(job.operation)
    const usual = (job.stream ? streamHeaders : unaryHeaders)[job.keyIndex]
    if (url === undefined || usual === undefined) throw new GatewayError('BIFROST_INTERNAL')
    const headers = job.method === 'POST' && job.contentType === '' && !job.relay
      ? usual
      : toHeaders(settings, settings.keys[job.keyIndex] as KeySettings, contentHeaders(job), '*/*')
    return {
      origin: url.origin,
      path: job.resource === '' ? url.path : url.path + job.resource,
      headers: job.forwardedHeaders === '' ? headers : withForwarded(headers, job.forwardedHeaders),
      method: job.method,
      body: job.body
    }
  }

  fromErrorReply (status: number, headers: ReplyHeaders, body: Uint8Array): GatewayError {
    const { family, settings: { name } } = this.endpoint
    return family === null ? toUpstreamError(name, status, contentTypeOf(headers), body) : family.toError(status, headers, body)
  }
}

function toHeaders (settings: ProviderSettings, key: KeySettings, content: readonly string[], accept: string): string[] {
  const headers = [...content, 'accept', accept, 'user-agent', 'bifrost']
  if (key.value !== '') headers.push('authorization', `Bearer ${key.value}`)
  for (const [name, value] of Object.entries(settings.extraHeaders)) {
    const index = headers.indexOf(name)
    if (index >= 0 && index % 2 === 0) headers[index + 1] = value
    else headers.push(name, value)
  }
  return headers
}
