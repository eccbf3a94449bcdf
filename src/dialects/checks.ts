import { GatewayError } from '../errors.ts'

export function isRecord (value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The beginning of a value, for an error message. */
export function shown (value: unknown): string {
  return JSON.stringify(value)?.slice(0, 64) ?? String(value)
}

/** @param param the member at fault, as a path */
export function invalid (param: string, message: string): GatewayError {
  return new GatewayError('BIFROST_INVALID_REQUEST', { param, message })
}
