import { GatewayError } from '../errors.ts'
import type { Dialect } from './dialects.ts'
import type { HttpMethod } from './job.ts'
import { JsonMembers } from './json-scan.ts'
import type { JsonScan } from './json-scan.ts'
import type { Operation } from './operations.ts'

/** Longest model name, in characters. */
const modelCharactersMax = 256

/** What a client's path says. */
export interface RequestRoute {
  dialect: Dialect
  /** For `invoke`, what is most often asked; what is asked indeed, only the body says. */
  operation: Operation
  /** Null: the body names it. */
  model: string | null
  /** Null: the body says so. */
  stream: boolean | null
  /** Of the request; others have a route of their own at the same path, or none. */
  method: HttpMethod
  /** See `JobHead`. */
  resource: string
  /** The client wants this provider, and its body to go there unread; null usually. */
  passthroughTo: string | null
  /** Who serves a model that names no provider, where that provider is configured; null for nobody in particular. */
  defaultProvider: string | null
  /** The path without what clients choose in it, for metrics. */
  template: string
}

/** What the gateway knows of a request's body: a few members and where they stand. */
export interface ParsedRequest {
  operation: Operation
  /** As the client wrote it, provider prefix and all. */
  model: string
  /** The path names the model; what the body may say about it does not count. */
  modelInPath: boolean
  /** The client wants events as they come. */
  stream: boolean
  /** The answer is bytes of any kind, which are sent on as they come. */
  relay: boolean
  /** Of a body that is not JSON; else empty. */
  contentType: string
  /** The client decides about usage in the stream itself. */
  hasStreamOptions: boolean
  base64Embeddings: boolean
  /** Models to try in order when `model` cannot be had, as `provider/model`; null when the request brings none. */
  fallbacks: readonly string[] | null
  scan: JsonScan
}

/** A request that is about no model, before its body is looked at. */
export const withoutModel: Readonly<Omit<ParsedRequest, 'operation'>> = {
  model: '',
  modelInPath: true,
  stream: false,
  relay: false,
  contentType: '',
  hasStreamOptions: false,
  base64Embeddings: false,
  fallbacks: null,
  scan: { members: new JsonMembers(), bodyStart: 0, bodyEnd: 0, isEmpty: true }
}

/** @throws GatewayError when it is no name */
export function checkModel (model: string | null): asserts model is string {
  if (model === null || model === '') throw new GatewayError('BIFROST_MODEL_REQUIRED', { param: 'model', message: 'model is required: "provider/model", for instance "openai/gpt-4o-mini".' })
  if (!isModelName(model)) throw invalid('model', `model must be at most ${modelCharactersMax} characters without control characters.`)
}

export function isModelName (text: string): boolean {
  return text !== '' && text.length <= modelCharactersMax && !hasControlCharacter(text)
}

export function invalid (param: string, message: string): GatewayError {
  return new GatewayError('BIFROST_INVALID_REQUEST', { param, message })
}

function hasControlCharacter (text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code < 0x20 || code === 0x7f) return true
  }
  return false
}
