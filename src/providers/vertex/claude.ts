import { withMember } from '../../api/body-splice.ts'
import { scanJsonObject } from '../../api/json-scan.ts'
import type { JobFrame } from '../../api/job.ts'
import type { ProviderSettings } from '../../api/settings.ts'
import { AnthropicChatProvider } from '../anthropic/chat.ts'
import { AnthropicTokenCounter } from '../anthropic/token-count.ts'
import type { UrlOfVerb } from '../gemini/chat.ts'
import { toUrlOfVerb } from './endpoint.ts'

/** Of the body of Anthropic's models on Vertex AI, and of the API that it means. */
const bodyVersion = 'vertex-2023-10-16'
const apiVersion = '2023-06-01'
/** Stands where the model does; the body names it. */
const countModel = 'count-tokens'

/** Anthropic's models have an API of their own there: `publishers/anthropic`, `:rawPredict`. */
export function isClaude (model: string): boolean {
  return /(?:^|\/)claude-/.test(model)
}

/** There, Anthropic's models take no addresses: a body with one has to be read. */
export function hasAddress (body: Buffer): boolean {
  return body.includes('"url"')
}

export class VertexClaude {
  readonly chat: AnthropicChatProvider
  readonly tokenCounter: AnthropicTokenCounter
  private readonly urlOf: UrlOfVerb

  constructor ({ name, keys, baseUrl }: ProviderSettings) {
    const urlOf = toUrlOfVerb(name, keys, baseUrl, 'anthropic')
    this.urlOf = urlOf
    this.chat = new AnthropicChatProvider({
      provider: name,
      toUrl: ({ model, stream, keyIndex }) => urlOf(model, toVerb(stream), keyIndex),
      hasModelInBody: false,
      bodyVersion,
      versionOf: () => apiVersion
    })
    this.tokenCounter = new AnthropicTokenCounter(name, ({ keyIndex }) => urlOf(countModel, 'rawPredict', keyIndex), () => apiVersion)
  }

  /** The body of an Anthropic client, but for the model, which the path names in a chat, and the version, which stands in a header elsewhere. */
  toNativeRequest ({ operation, model, stream, keyIndex, body }: JobFrame): { url: URL, body: Uint8Array } {
    const scan = scanJsonObject(body, ['model', 'anthropic_version'])
    const version = scan.members.has('anthropic_version') ? '' : `"anthropic_version":"${bodyVersion}"`
    if (operation === 'count_tokens') return { url: this.urlOf(countModel, 'rawPredict', keyIndex), body: withMember(body, scan, undefined, version) }
    return { url: this.urlOf(model, toVerb(stream), keyIndex), body: withMember(body, scan, scan.members.get('model'), version) }
  }
}

function toVerb (stream: boolean): string {
  return stream ? 'streamRawPredict' : 'rawPredict'
}
