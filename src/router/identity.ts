import type { AnswerIdentity } from '../api/client.ts'
import type { Fallback, Target } from './target.ts'

/** Identities that are kept; model names come from clients, so the map is emptied when it is full. */
const identitiesMax = 1_000

interface Entry {
  target: Target
  requestType: string
  identity: AnswerIdentity
}

/**
 * The texts that name a target in headers and bodies, built once and used for every answer of that target.
 * Found by model and then by comparison: putting a key together out of all parts costs several times as much.
 */
export class Identities {
  private readonly byModel = new Map<string, Entry[]>()
  private size = 0

  of (target: Target, requestType: string): AnswerIdentity {
    const entries = this.byModel.get(target.requestedModel)
    if (entries !== undefined) {
      for (const entry of entries) {
        if (entry.requestType === requestType && isSame(entry.target, target)) return entry.identity
      }
    }
    return this.add({ target, requestType, identity: toIdentity(target, requestType) })
  }

  private add (entry: Entry): AnswerIdentity {
    if (this.size >= identitiesMax) {
      this.byModel.clear()
      this.size = 0
    }
    this.size++
    const entries = this.byModel.get(entry.target.requestedModel)
    if (entries === undefined) this.byModel.set(entry.target.requestedModel, [entry])
    else entries.push(entry)
    return entry.identity
  }
}

function isSame (one: Target, other: Target): boolean {
  return one.model === other.model && one.key.id === other.key.id && one.key.name === other.key.name && one.provider.name === other.provider.name &&
    isSameFallback(one.fallback, other.fallback)
}

function isSameFallback (one: Fallback | null, other: Fallback | null): boolean {
  if (one === null || other === null) return one === other
  return one.index === other.index && one.primaryProvider === other.primaryProvider && one.primaryModel === other.primaryModel
}

function toIdentity (target: Target, requestType: string): AnswerIdentity {
  const { provider, key, requestedModel, model, fallback } = target
  const fields = {
    request_type: requestType,
    provider: provider.name,
    ...requestedModel === '' ? {} : { original_model_requested: requestedModel, resolved_model_used: model }
  }
  const routing = { provider: provider.name, ...requestedModel === '' ? {} : { model }, key: key.name }
  const primary = fallback === null ? {} : { is_fallback: true, primary_provider: fallback.primaryProvider, primary_model: fallback.primaryModel }
  const routed = { ...fields, routing_info: { ...routing, ...primary } }
  return {
    headers: [
      `x-bifrost-provider: ${provider.name}`,
      ...requestedModel === '' ? [] : [`x-bifrost-original-model: ${toHeaderText(requestedModel)}`, `x-bifrost-resolved-model: ${toHeaderText(model)}`],
      `x-bifrost-request-type: ${requestType}`,
      `x-bifrost-routing-info-provider: ${provider.name}`,
      ...requestedModel === '' ? [] : [`x-bifrost-routing-info-model: ${toHeaderText(model)}`],
      `x-bifrost-routing-info-key: ${toHeaderText(key.name)}`,
      ...fallback === null
        ? []
        : [
            `x-bifrost-fallback-index: ${fallback.index}`,
            'x-bifrost-routing-info-is-fallback: true',
            `x-bifrost-routing-info-primary-provider: ${fallback.primaryProvider}`,
            `x-bifrost-routing-info-primary-model: ${toHeaderText(fallback.primaryModel)}`
          ]
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
