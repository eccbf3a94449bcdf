import { GatewayError } from '../../errors.ts'

/** For what Bedrock cannot be asked. @param param path of the member in the client's request */
export function invalid (param: string, message: string): GatewayError {
  return new GatewayError('BIFROST_INVALID_REQUEST', { param, message })
}
