import { GatewayError } from '../../errors.ts'
import { badResponse } from '../bad-response.ts'
import { toEmbeddedError } from './errors.ts'
import { toFinishReason } from './finish-reasons.ts'
import type { GenerateContentResponse, Part } from './wire.ts'

/** @throws GatewayError for an error inside a 200, and for what is no answer */
export function readReply (provider: string, body: unknown): GenerateContentResponse {
  const error = toEmbeddedError(provider, body)
  if (error !== null) throw error
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw badResponse(provider, 'no object')
  return body as GenerateContentResponse
}

/** What the model says in the end: its thoughts may hold text and images, too. */
export function partsOf ({ candidates }: GenerateContentResponse): Part[] {
  const parts = (Array.isArray(candidates) ? candidates : []).flatMap((candidate) => candidate?.content?.parts ?? [])
  return parts.filter((part) => typeof part === 'object' && part !== null && part.thought !== true)
}

/** For an answer without what was asked for. @param what for instance `image` */
export function missing (provider: string, reply: GenerateContentResponse, what: string): GatewayError {
  const blocked = reply.promptFeedback?.blockReason
  if (typeof blocked === 'string') return withheld(provider, what, blocked)
  const { finishReason, finishMessage } = reply.candidates?.[0] ?? {}
  if (typeof finishReason !== 'string') return badResponse(provider, `no ${what}`)
  if (toFinishReason(finishReason, false) === 'content_filter') return withheld(provider, what, finishReason, finishMessage)
  return badResponse(provider, `no ${what}, but ${finishReason}${finishMessage === undefined || finishMessage === null ? '' : ` (${finishMessage})`}`)
}

/** Words of Google's that are passed on, in characters. */
const reasonCharactersMax = 500

/** The request is at fault, and would be again: as OpenAI says it. */
export function withheld (provider: string, what: string, reason: string, words?: string | null): GatewayError {
  const details = typeof words === 'string' && words !== '' ? `: ${words.slice(0, reasonCharactersMax)}` : '.'
  return new GatewayError('BIFROST_UPSTREAM_STATUS', {
    status: 400, provider, type: 'invalid_request_error', upstreamCode: 'content_policy_violation', message: `${provider} held the ${what} back (${reason.slice(0, reasonCharactersMax)})${details}`
  })
}
