import type { JobFrame } from '../../api/job.ts'
import { isResource } from '../../api/operations.ts'
import type { Operation } from '../../api/operations.ts'
import type { ProviderSettings } from '../../api/settings.ts'
import type { Family, TranslationContext } from '../family.ts'
import { toOperationUrl } from '../operation-url.ts'
import { AnthropicChatProvider } from './chat.ts'
import { isAnthropicError, toAnthropicError, toEmbeddedAnthropicError } from './errors.ts'
import { AnthropicTokenCounter } from './token-count.ts'
import { fromAnthropicUsage } from './usage.ts'
import type { AnthropicMessage } from './wire.ts'

/** What is sent when nobody says otherwise; the later one, 2026-10-21, refuses sampling parameters. */
const defaultVersion = '2023-06-01'
const versionHeader = 'anthropic-version'

/** Anthropic's Messages API. Its own clients' bodies go through as they came. */
export function createAnthropicFamily (settings: ProviderSettings): Family {
  const { name, operations } = settings
  const urlOf = (operation: Operation): URL => toOperationUrl(settings, operation)
  // The operator's header wins over the client's, as everywhere.
  const versionOf = ({ forwardedHeaders = '' }: TranslationContext): string => settings.extraHeaders[versionHeader] ?? forwardedVersion(forwardedHeaders) ?? defaultVersion
  const canChat = operations.includes('chat_completion') || operations.includes('responses')
  const chat = canChat ? new AnthropicChatProvider({ provider: name, toUrl: () => urlOf('chat_completion'), hasModelInBody: true, bodyVersion: null, versionOf }) : null
  const counter = operations.includes('count_tokens') ? new AnthropicTokenCounter(name, () => urlOf('count_tokens'), versionOf) : null
  return {
    streamFraming: () => 'sse',
    isNative: (dialect, operation) => dialect === 'anthropic' && operations.includes(operation) && (operation === 'chat_completion' || operation === 'count_tokens' || isResource(operation)),
    toNativeRequest: (job: JobFrame) => ({ url: toOperationUrl(settings, job.operation, job.resource), body: job.body }),
    chat: () => chat,
    embedding: () => null,
    rerank: () => null,
    tokenCounter: () => counter,
    toUsage: (body) => {
      if (isAnthropicError(body)) throw toEmbeddedAnthropicError(name, body)
      const usage = (body as AnthropicMessage | null)?.usage
      return typeof usage === 'object' && usage !== null ? fromAnthropicUsage(usage) : null
    },
    authorize: (request, keyIndex) => {
      const value = settings.keys[keyIndex]?.value ?? ''
      if (value !== '') request.headers.push('x-api-key', value)
      if (!request.headers.some((header, index) => index % 2 === 0 && header === versionHeader)) request.headers.push(versionHeader, defaultVersion)
      return request
    },
    toError: (status, headers, body) => toAnthropicError(name, status, headers, body)
  }
}

function forwardedVersion (lines: string): string | undefined {
  const prefix = `${versionHeader}: `
  return lines.split('\n').find((line) => line.startsWith(prefix))?.slice(prefix.length)
}
