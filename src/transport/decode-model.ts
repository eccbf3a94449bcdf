import { GatewayError } from '../errors.ts'

/**
 * A model in a path. Once: its name may hold a percent sign.
 * @throws GatewayError BIFROST_INVALID_REQUEST
 */
export function decodeModel (segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch (cause) {
    throw new GatewayError('BIFROST_INVALID_REQUEST', { param: 'model', message: `The model in the path is not valid percent-encoding: ${segment.slice(0, 64)}.`, cause })
  }
}
