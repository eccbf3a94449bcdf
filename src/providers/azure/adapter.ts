import type { ProviderSettings } from '../../api/settings.ts'
import type { Adapter } from '../adapter.ts'
import type { Family } from '../family.ts'
import { toOpenAiAnswers } from '../openai/answers.ts'
import { toUpstreamHeaders } from '../upstream-headers.ts'

/** For OpenAI's own clients: Azure's answers go through as OpenAI's do. */
export function createAzureAdapter (settings: ProviderSettings, family: Family): Adapter {
  return {
    open: (job) => ({
      ...toOpenAiAnswers(settings.name, job),
      toRequest () {
        const { url, headers, body } = family.toNativeRequest(job)
        return family.authorize({ origin: url.origin, path: url.pathname + url.search, headers: toUpstreamHeaders(settings, job, job.relay ? 'bytes' : 'sse', headers), method: job.method, body }, job.keyIndex)
      },
      fromErrorReply: (status, headers, body) => family.toError(status, headers, body)
    })
  }
}
