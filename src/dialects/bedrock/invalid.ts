import { GatewayError } from '../../errors.ts'

export function invalid (param: string, message: string): GatewayError {
  return new GatewayError('BIFROST_INVALID_REQUEST', { param, message })
}
