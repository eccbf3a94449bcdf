import type { JobFrame } from '../api/job.ts'
import type { ProviderSettings } from '../api/settings.ts'
import type { StreamFraming } from '../api/framing.ts'

const mediaTypes: Readonly<Record<StreamFraming, string>> = { sse: 'text/event-stream', 'event-stream': 'application/vnd.amazon.eventstream', lines: 'application/x-ndjson', bytes: '*/*' }

/**
 * What goes upstream beside credentials, names and values in turn. The operator's headers replace the gateway's own, the
 * client's come last and replace none.
 * @param own of the provider's wire format
 */
export function toUpstreamHeaders (settings: ProviderSettings, job: JobFrame, framing: StreamFraming, own: Readonly<Record<string, string>> | undefined): string[] {
  const headers = [...contentHeaders(job), 'accept', job.stream ? mediaTypes[framing] : 'application/json', 'user-agent', 'bifrost']
  for (const [name, value] of Object.entries({ ...own, ...settings.extraHeaders })) {
    const index = headers.findIndex((header, at) => at % 2 === 0 && header === name)
    if (index >= 0) headers[index + 1] = value
    else headers.push(name, value)
  }
  return job.forwardedHeaders === '' ? headers : withForwarded(headers, job.forwardedHeaders)
}

/** Of the body that goes up: none without a body. */
export function contentHeaders ({ method, contentType }: JobFrame): string[] {
  return method === 'POST' ? ['content-type', contentType === '' ? 'application/json' : contentType] : []
}

/** The client's headers come after the operator's, which a client cannot replace. */
export function withForwarded (headers: readonly string[], lines: string): string[] {
  const all = [...headers]
  for (const line of lines.split('\n')) {
    const colon = line.indexOf(': ')
    const name = line.slice(0, colon)
    if (!headers.some((header, index) => index % 2 === 0 && header === name)) all.push(name, line.slice(colon + 2))
  }
  return all
}
