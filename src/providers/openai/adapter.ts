import type { KeySettings, ProviderSettings } from '../../api/settings.ts'
import { GatewayError } from '../../errors.ts'
import type { Adapter, AdapterRequest } from '../adapter.ts'
import { toOperationUrl } from '../operation-url.ts'
import { contentTypeOf } from '../reply-headers.ts'
import { withForwarded } from '../upstream-headers.ts'
import { toUpstreamError } from './errors.ts'
import { fromOpenAiReply } from './reply.ts'
import { OpenAiStream } from './stream.ts'

/** The OpenAI wire format, for OpenAI itself and for everyone who copied it. */
export function createOpenAiAdapter (settings: ProviderSettings): Adapter {
  const urls = new Map(settings.nativeOperations.map((operation) => {
    const url = toOperationUrl(settings, operation)
    return [operation, { origin: url.origin, path: url.pathname + url.search }]
  }))
  const unaryHeaders = settings.keys.map((key) => toHeaders(settings, key, 'application/json'))
  const streamHeaders = settings.keys.map((key) => toHeaders(settings, key, 'text/event-stream'))

  return {
    open: (job) => ({
      streamFraming: 'sse',
      toRequest (): AdapterRequest {
        const url = urls.get(job.operation)
        const headers = (job.stream ? streamHeaders : unaryHeaders)[job.keyIndex]
        if (url === undefined || headers === undefined) throw new GatewayError('BIFROST_INTERNAL')
        return {
          origin: url.origin,
          path: url.path,
          headers: job.forwardedHeaders === '' ? headers : withForwarded(headers, job.forwardedHeaders),
          body: job.body
        }
      },
      fromReply: (body) => fromOpenAiReply(settings.name, job, body),
      fromErrorReply: (status, headers, body) => toUpstreamError(settings.name, status, contentTypeOf(headers), body),
      createStreamTranslator: () => new OpenAiStream(settings.name, job)
    })
  }
}

function toHeaders (settings: ProviderSettings, key: KeySettings, accept: string): string[] {
  const headers = ['content-type', 'application/json', 'accept', accept, 'user-agent', 'bifrost']
  if (key.value !== '') headers.push('authorization', `Bearer ${key.value}`)
  for (const [name, value] of Object.entries(settings.extraHeaders)) {
    const index = headers.indexOf(name)
    if (index >= 0 && index % 2 === 0) headers[index + 1] = value
    else headers.push(name, value)
  }
  return headers
}
