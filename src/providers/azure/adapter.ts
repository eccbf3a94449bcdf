import type { ProviderSettings } from '../../api/settings.ts'
import type { Adapter } from '../adapter.ts'
import type { Family } from '../family.ts'
import { fromOpenAiReply } from '../openai/reply.ts'
import { OpenAiStream } from '../openai/stream.ts'
import { toUpstreamHeaders } from '../upstream-headers.ts'

/** For OpenAI's own clients: Azure's answers go through as OpenAI's do. */
export function createAzureAdapter (settings: ProviderSettings, family: Family): Adapter {
  return {
    open: (job) => ({
      streamFraming: 'sse',
      toRequest () {
        const { url, headers, body } = family.toNativeRequest(job)
        return family.authorize({ origin: url.origin, path: url.pathname + url.search, headers: toUpstreamHeaders(settings, job, 'sse', headers), body }, job.keyIndex)
      },
      fromReply: (body) => fromOpenAiReply(settings.name, job, body),
      fromErrorReply: (status, headers, body) => family.toError(status, headers, body),
      createStreamTranslator: () => new OpenAiStream(settings.name, job)
    })
  }
}
