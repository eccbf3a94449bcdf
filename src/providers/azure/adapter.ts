import type { JobFrame } from '../../api/job.ts'
import type { ProviderSettings } from '../../api/settings.ts'
import type { GatewayError } from '../../errors.ts'
import type { Adapter, AdapterRequest, ReplyHeaders } from '../adapter.ts'
import type { Family } from '../family.ts'
import { OpenAiCall } from '../openai/openai-call.ts'
import { toUpstreamHeaders } from '../upstream-headers.ts'

/** For OpenAI's own clients: Azure's answers go through as OpenAI's do. */
export function createAzureAdapter (settings: ProviderSettings, family: Family): Adapter {
  return { open: (job) => new AzureCall(settings, family, job) }
}

class AzureCall extends OpenAiCall {
  private readonly settings: ProviderSettings
  private readonly family: Family

  constructor (settings: ProviderSettings, family: Family, job: JobFrame) {
    super(settings.name, job)
    this.settings = settings
    this.family = family
  }

  toRequest (): AdapterRequest | Promise<AdapterRequest> {
    const { settings, family, job } = this
    const { url, headers, body } = family.toNativeRequest(job)
    return family.authorize({ origin: url.origin, path: url.pathname + url.search, headers: toUpstreamHeaders(settings, job, this.streamFraming, headers), method: job.method, body }, job.keyIndex)
  }

  fromErrorReply (status: number, headers: ReplyHeaders, body: Uint8Array): GatewayError {
    return this.family.toError(status, headers, body)
  }
}
