import { priorities } from '../api/job.ts'
import type { Priority } from '../api/job.ts'
import { GatewayError } from '../errors.ts'
import { wantsDirectKey } from './direct-key.ts'
import type { KeyPin } from './pick-key.ts'

/** What a client decides with headers about the way of its request. */
export interface RoutingHeaders {
  /** `x-bf-api-key-id`, `x-bf-api-key`; null when no key is asked for. */
  pin: KeyPin | null
  /** `x-bf-direct-key`: the client's own key is to be used, and there is one. */
  isDirect: boolean
  /** `x-bf-request-timeout` and `x-stainless-timeout`, the limit after which the openai SDK hangs up; Infinity for none. */
  timeoutMs: number
  /** `x-bf-priority`. */
  priority: Priority
  /** `x-model-provider`: who serves a model that names no provider; null when nobody is asked for. */
  provider: string | null
}

const number = /^\d{1,9}(\.\d{1,9})?$/

/**
 * One pass over the headers; the first one of a name counts.
 * @param headers names (lower case) and values in turn
 * @param allowsDirectKeys `client.allow_direct_keys`
 * @throws GatewayError BIFROST_INVALID_HEADER
 */
export function parseRoutingHeaders (headers: readonly string[], allowsDirectKeys: boolean): RoutingHeaders {
  let id: string | null = null
  let name: string | null = null
  let asked: string | null = null
  let patience: string | null = null
  let priority: string | null = null
  let provider: string | null = null
  let direct: string | null = null
  for (let index = 0; index < headers.length; index += 2) {
    const header = headers[index] as string
    // Most headers of a request are not of this kind.
    if (!header.startsWith('x-')) continue
    const value = headers[index + 1] as string
    if (header === 'x-bf-api-key-id') id ??= value
    else if (header === 'x-bf-api-key') name ??= value
    else if (header === 'x-bf-request-timeout') asked ??= value
    else if (header === 'x-stainless-timeout') patience ??= value
    else if (header === 'x-bf-priority') priority ??= value
    else if (header === 'x-model-provider') provider ??= value
    else if (header === 'x-bf-direct-key') direct ??= value
  }
  return { pin: id === null && name === null ? null : { id, name }, isDirect: direct !== null && wantsDirectKey(direct, allowsDirectKeys, headers), timeoutMs: Math.min(toAskedMs(asked), toPatienceMs(patience)), priority: toPriority(priority), provider }
}

function toAskedMs (asked: string | null): number {
  if (asked === null) return Infinity
  if (number.test(asked) && Number(asked) > 0) return Number(asked) * 1_000
  throw new GatewayError('BIFROST_INVALID_HEADER', { param: 'x-bf-request-timeout', message: `x-bf-request-timeout must be a number of seconds above 0, not ${JSON.stringify(asked.slice(0, 64))}.` })
}

/** The SDK sends this on its own: what says nothing useful is never the client's fault. */
function toPatienceMs (patience: string | null): number {
  return patience !== null && number.test(patience) && Number(patience) > 0 ? Number(patience) * 1_000 : Infinity
}

function toPriority (text: string | null): Priority {
  if (text === null) return 'normal'
  const priority = priorities.find((known) => known === text)
  if (priority !== undefined) return priority
  throw new GatewayError('BIFROST_INVALID_HEADER', { param: 'x-bf-priority', message: `x-bf-priority must be high, normal or low, not ${JSON.stringify(text.slice(0, 64))}.` })
}
