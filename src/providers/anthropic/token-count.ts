import type { ChatRequest } from '../../api/chat.ts'
import { badResponse } from '../bad-response.ts'
import type { ProviderRequest, TokenCounter, TranslationContext } from '../family.ts'
import { toMessagesBody } from './chat-request.ts'

/** What a count is made of; the endpoint refuses everything else. */
const countedMembers = ['model', 'system', 'messages', 'tools', 'tool_choice', 'thinking', 'output_config', 'cache_control', 'context_management', 'mcp_servers', 'speed']

export class AnthropicTokenCounter implements TokenCounter {
  private readonly provider: string
  private readonly toUrl: (context: TranslationContext) => URL
  private readonly versionOf: (context: TranslationContext) => string

  constructor (provider: string, toUrl: (context: TranslationContext) => URL, versionOf: (context: TranslationContext) => string) {
    this.provider = provider
    this.toUrl = toUrl
    this.versionOf = versionOf
  }

  toCountRequest (request: ChatRequest, context: TranslationContext): ProviderRequest {
    const body = toMessagesBody(request, this.versionOf(context), context)
    return { url: this.toUrl(context), body: Object.fromEntries(countedMembers.filter((name) => body[name] !== undefined).map((name) => [name, body[name]])) }
  }

  fromCountReply (body: unknown): number {
    const tokens = (body as { input_tokens?: unknown } | null)?.input_tokens
    if (typeof tokens !== 'number') throw badResponse(this.provider, 'no input_tokens')
    return tokens
  }
}
