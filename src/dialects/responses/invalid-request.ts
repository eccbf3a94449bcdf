import { GatewayError } from '../../errors.ts'

/** @param param path of the member at fault */
export function invalidRequest (param: string, problem: string): GatewayError {
  return new GatewayError('BIFROST_INVALID_REQUEST', { param, message: `${param} ${problem}` })
}

export function isRecord (value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function isGiven (value: unknown): boolean {
  return value !== undefined && value !== null
}
