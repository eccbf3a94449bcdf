import type { AnswerIdentity } from '../api/client.ts'
import { requestTypeOf } from '../api/operations.ts'
import type { Operation } from '../api/operations.ts'
import type { Target } from './target.ts'

/** Identities that are kept; model names come from clients, so the map is emptied when it is full. */
const identitiesMax = 1_000

/** The texts that name a target in headers and bodies, built once and used for every answer of that target. */
export class Identities {
  private readonly known = new Map<string, AnswerIdentity>()

  of (target: Target, operation: Operation, stream: boolean): AnswerIdentity {
    const requestType = requestTypeOf(operation, stream)
    const name = `${requestType}\n${target.provider.name}\n${target.key.id}\n${target.requestedModel}\n${target.model}`
    let identity = this.known.get(name)
    if (identity === undefined) {
      identity = toIdentity(target, requestType)
      if (this.known.size >= identitiesMax) this.known.clear()
      this.known.set(name, identity)
    }
    return identity
  }
}

function toIdentity (target: Target, requestType: string): AnswerIdentity {
  const { provider, key, requestedModel, model } = target
  const fields = {
    request_type: requestType,
    provider: provider.name,
    original_model_requested: requestedModel,
    resolved_model_used: model
  }
  const routed = { ...fields, routing_info: { provider: provider.name, model, key: key.name } }
  return {
    headers: [
      `x-bifrost-provider: ${provider.name}`,
      `x-bifrost-original-model: ${toHeaderText(requestedModel)}`,
      `x-bifrost-resolved-model: ${toHeaderText(model)}`,
      `x-bifrost-request-type: ${requestType}`,
      `x-bifrost-routing-info-provider: ${provider.name}`,
      `x-bifrost-routing-info-model: ${toHeaderText(model)}`,
      `x-bifrost-routing-info-key: ${toHeaderText(key.name)}`
    ].join('\r\n'),
    extraFields: toAscii(JSON.stringify(routed)).slice(1, -1),
    modelJson: Buffer.from(JSON.stringify(model)),
    chunkFields: toAscii(JSON.stringify(fields)).slice(1, -1)
  }
}

/** Header values are printable ASCII; anything else is percent-encoded. */
function toHeaderText (text: string): string {
  return /^[\x20-\x7e]*$/.test(text) ? text : encodeURIComponent(text.toWellFormed())
}

/** ASCII JSON can be copied into a stream a byte per character. */
function toAscii (json: string): string {
  return json.replace(/[\u007f-\uffff]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
