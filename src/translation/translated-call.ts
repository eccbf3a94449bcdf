import type { JsonObject } from '../api/chat.ts'
import type { Dialect } from '../api/dialects.ts'
import type { JobFrame } from '../api/job.ts'
import { requestTypeOf } from '../api/operations.ts'
import type { ProviderSettings } from '../api/settings.ts'
import type { Usage } from '../api/usage.ts'
import type { AnswerContext } from '../dialects/dialect.ts'
import { GatewayError } from '../errors.ts'
import type { MediaFetcher } from '../fetch/media-fetcher.ts'
import type { AdapterReply, AdapterRequest, ReplyHeaders } from '../providers/adapter.ts'
import type { Family, ProviderRequest, TranslationContext } from '../providers/family.ts'
import { RewrittenCall } from './family-call.ts'

/** What the adapters read of the outside world. */
export interface AdapterContext {
  nowSeconds: () => number
  /** @returns 24 letters and digits that nobody else has */
  newId: () => string
  /** The thread's. */
  mediaFetcher: MediaFetcher
}

/** The request is taken apart in the client's words and put together in the provider's, the answer the other way round. */
export abstract class TranslatedCall extends RewrittenCall {
  protected readonly context: AdapterContext

  constructor (family: Family, settings: ProviderSettings, job: JobFrame, context: AdapterContext) {
    super(family, settings, withoutDialectHeaders(job))
    this.context = context
  }

  protected abstract translate (context: TranslationContext): ProviderRequest
  protected abstract translateBack (body: unknown): { answer: JsonObject, usage: Usage }

  toRequest (): AdapterRequest | Promise<AdapterRequest> {
    const { url, headers, body } = this.translate(this.translation())
    return this.authorized(url, headers, Buffer.from(JSON.stringify(body)))
  }

  fromReply (body: Uint8Array, headers: ReplyHeaders): AdapterReply {
    this.replyHeaders = headers
    const { answer, usage } = this.translateBack(this.parse(body))
    const bytes = Buffer.from(JSON.stringify(answer))
    const spliceOffset = this.job.dialect === 'openai' ? bytes.length - 1 : -1
    return { body: bytes, usage, spliceOffset, extraFields: this.droppedFields(), headers: this.job.dialect === 'invoke' ? toCountHeaders(usage) : '' }
  }

  protected answerContext (includeUsage: boolean): AnswerContext {
    const dropped = this.droppedFields()
    return {
      model: this.job.model,
      nowSeconds: this.context.nowSeconds(),
      newId: this.context.newId,
      includeUsage,
      jsonArray: this.job.jsonArray,
      extraFields: this.job.dialect !== 'openai' ? '' : dropped === '' ? this.job.extraFields : `${this.job.extraFields},${dropped}`
    }
  }

  protected refuse (): never {
    throw new GatewayError('BIFROST_UNSUPPORTED_OPERATION', { provider: this.settings.name, message: `${requestTypeOf(this.job.operation, this.job.stream)} of ${this.job.model} is not supported by ${this.settings.name}.` })
  }
}

/** Headers of a dialect begin so. Its clients send them whoever serves them; they mean nothing to a provider that is spoken to in other words. */
const headerPrefixes: Readonly<Partial<Record<Dialect, string>>> = { anthropic: 'anthropic-', invoke: 'x-amzn-bedrock-' }

function withoutDialectHeaders (job: JobFrame): JobFrame {
  const prefix = headerPrefixes[job.dialect]
  if (prefix === undefined || job.forwardedHeaders === '') return job
  return { ...job, forwardedHeaders: job.forwardedHeaders.split('\n').filter((line) => !line.startsWith(prefix)).join('\n') }
}

/** Bedrock's own counts, as its clients look for them. */
function toCountHeaders ({ inputTokens, cachedTokens, cacheWriteTokens, outputTokens }: Usage): string {
  return `x-amzn-bedrock-input-token-count: ${Math.max(0, inputTokens - cachedTokens - cacheWriteTokens)}\r\nx-amzn-bedrock-output-token-count: ${outputTokens}`
}
