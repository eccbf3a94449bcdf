import { GatewayError } from '../../errors.ts'

/** For what Gemini cannot be asked. @param param path of the member in the client's request */
export function invalidRequest (param: string, message: string): GatewayError {
  return new GatewayError('BIFROST_INVALID_REQUEST', { param, message })
}
