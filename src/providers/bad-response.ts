import { GatewayError } from '../errors.ts'

/** For an answer that is not what the provider's API defines. @param what it is or lacks, for instance `no choices` */
export function badResponse (provider: string, what: string, cause?: unknown): GatewayError {
  return new GatewayError('BIFROST_UPSTREAM_BAD_RESPONSE', { message: `${provider} sent an answer that its API does not define: ${what}.`, provider, cause })
}
