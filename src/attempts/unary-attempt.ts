import { GatewayError } from '../errors.ts'
import type { AdapterReply } from '../providers/adapter.ts'
import { HttpAttempt } from './http-attempt.ts'
import { toForwardedHeaders, withContentType } from './response-headers.ts'

/** An answer that is collected whole and sent to the front as one frame. */
export class UnaryAttempt extends HttpAttempt {
  private chunks: Buffer[] = []
  private bodyBytes = 0

  protected override onAnswerHead (): void {}

  protected override onAnswerData (chunk: Buffer): void {
    this.bodyBytes += chunk.length
    if (this.bodyBytes > this.context.settings.responseBodyBytesMax) {
      return this.fail(new GatewayError('BIFROST_UPSTREAM_TOO_LARGE', {
        message: `The answer of ${this.context.settings.name} is larger than network_config.max_response_body_size_mb (${this.context.settings.responseBodyBytesMax} bytes).`
      }))
    }
    this.chunks.push(chunk)
  }

  protected override onAnswerEnd (): void {
    const body = this.chunks.length === 1 ? this.chunks[0] as Buffer : Buffer.concat(this.chunks)
    let reply: AdapterReply
    try {
      reply = this.adapterCall.fromReply(body, this.headers)
    } catch (cause) {
      return this.fail(cause instanceof GatewayError ? cause : new GatewayError('BIFROST_INTERNAL', { cause }))
    }
    this.settle()
    this.context.results.reply(this.job.id, {
      status: this.status,
      usage: reply.usage,
      upstreamMicroseconds: this.elapsedMicroseconds(),
      spliceOffset: reply.spliceOffset,
      headers: joinBy('\r\n', withContentType(reply.contentType ?? '', toForwardedHeaders(this.headers)), reply.headers ?? ''),
      raw: this.isJson(reply) && (this.job.sendBackRawRequest || this.job.sendBackRawResponse) ? joinBy(',', reply.extraFields, this.rawMembers(body)) : reply.extraFields,
      body: reply.body
    })
  }

  private isJson (reply: AdapterReply): boolean {
    return this.job.method === 'POST' && this.job.contentType === '' && reply.contentType === undefined
  }

  /** The exchange as it was on the wire; both sides are known to be JSON here. */
  private rawMembers (body: Buffer): string {
    const request = this.job.sendBackRawRequest ? `"raw_request":${this.job.body.toString('utf8')}` : ''
    const response = this.job.sendBackRawResponse ? `"raw_response":${body.toString('utf8')}` : ''
    return joinBy(',', request, response)
  }

  protected override tickBody (_nowMs: number): void {}
}

function joinBy (mark: string, one: string, other: string): string {
  return one !== '' && other !== '' ? one + mark + other : one + other
}
