import type { JsonObject } from '../api/chat.ts'
import type { StreamFraming } from '../api/framing.ts'
import type { JobFrame } from '../api/job.ts'
import type { ProviderSettings } from '../api/settings.ts'
import { GatewayError } from '../errors.ts'
import type { AdapterCall, AdapterReply, AdapterRequest, ReplyHeaders, StreamTranslator } from '../providers/adapter.ts'
import type { Family, TranslationContext } from '../providers/family.ts'
import { toUpstreamHeaders } from '../providers/upstream-headers.ts'

/** What the calls of a family share: credentials, headers, errors. */
export abstract class FamilyCall implements AdapterCall {
  protected readonly family: Family
  protected readonly settings: ProviderSettings
  protected readonly job: JobFrame

  constructor (family: Family, settings: ProviderSettings, job: JobFrame) {
    this.family = family
    this.settings = settings
    this.job = job
  }

  get streamFraming (): StreamFraming {
    if (this.job.relay) return 'bytes'
    return this.family.streamFraming(this.job.model)
  }

  abstract toRequest (): AdapterRequest | Promise<AdapterRequest>
  abstract fromReply (body: Uint8Array, headers: ReplyHeaders): AdapterReply

  fromErrorReply (status: number, headers: ReplyHeaders, body: Uint8Array): GatewayError {
    return this.family.toError(status, headers, body)
  }

  createStreamTranslator (): StreamTranslator {
    throw new GatewayError('BIFROST_INTERNAL', { cause: new Error(`${this.job.operation} has no streams`) })
  }

  protected authorized (url: URL, headers: Readonly<Record<string, string>> | undefined, body: Uint8Array): AdapterRequest | Promise<AdapterRequest> {
    return this.family.authorize({
      origin: url.origin,
      path: url.pathname + url.search,
      headers: toUpstreamHeaders(this.settings, this.job, this.streamFraming, headers),
      method: this.job.method,
      body
    }, this.job.keyIndex)
  }

  /** @throws GatewayError for an answer that is no JSON, or an error inside a 200 */
  protected parse (body: Uint8Array): unknown {
    const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8')
    try {
      return JSON.parse(text)
    } catch (cause) {
      throw new GatewayError('BIFROST_UPSTREAM_BAD_RESPONSE', { message: `${this.settings.name} answered 200 with a body that is not JSON.`, provider: this.settings.name, cause })
    }
  }
}

/** The request is put together in the provider's words; what could not be said in them is noted. */
export abstract class RewrittenCall extends FamilyCall {
  private readonly dropped: string[] = []
  /** Empty until the answer is there. */
  protected replyHeaders: ReplyHeaders = {}

  /** The front has looked at the body: it is a JSON object, but for forms. */
  protected get body (): JsonObject {
    return JSON.parse(this.job.body.toString('utf8')) as JsonObject
  }

  protected translation (): TranslationContext {
    const { model, keyIndex, stream, relay, passExtraParams, forwardedHeaders } = this.job
    return {
      model,
      keyIndex,
      stream: stream && !relay,
      passExtraParams,
      forwardedHeaders,
      replyHeaders: this.replyHeaders,
      drop: (member) => { if (!this.dropped.includes(member)) this.dropped.push(member) }
    }
  }

  /** Where the dialect has a place for it: what the provider could not be asked. */
  protected droppedFields (): string {
    return this.dropped.length === 0 ? '' : `"dropped_params":${JSON.stringify(this.dropped)}`
  }
}
