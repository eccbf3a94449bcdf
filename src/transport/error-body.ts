import type { AnswerIdentity } from '../api/client.ts'
import type { GatewayError } from '../errors.ts'

/**
 * The one place where an error becomes client JSON: OpenAI's envelope, which every SDK parses, with
 * Bifrost's members around it.
 */
export function toErrorBody (error: GatewayError, identity: AnswerIdentity | null, requestId: string, trail: string): string {
  const body = {
    error: {
      // An internal failure tells the client nothing but where to look.
      message: error.code === 'BIFROST_INTERNAL' ? `Internal error. Request id: ${requestId}.` : error.message,
      type: error.type,
      param: error.param,
      code: error.upstreamCode ?? error.code
    },
    type: error.type,
    is_bifrost_error: error.code !== 'BIFROST_UPSTREAM_STATUS',
    status_code: error.status
  }
  const json = JSON.stringify(body)
  const fields = [identity === null ? '' : identity.extraFields, trail === '' ? '' : `"attempt_trail":${trail}`].filter((part) => part !== '').join(',')
  return `${json.slice(0, -1)},"extra_fields":{${fields}}}`
}
