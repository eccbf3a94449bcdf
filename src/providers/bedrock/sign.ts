import { AwsV4Signer } from 'aws4fetch'
import type { AdapterRequest } from '../adapter.ts'

export interface AwsCredentials {
  accessKey: string
  secretKey: string
  /** Empty for keys that do not end. */
  sessionToken: string
}

/** What the signature sets itself: whoever else gave them would break it. */
const signatureHeaders: ReadonlySet<string> = new Set(['authorization', 'x-amz-date', 'x-amz-security-token', 'x-amz-content-sha256'])

/**
 * Adds an AWS signature, version 4. Only the host and Amazon's own headers are signed: proxies on the way may change the others.
 * @param nowMs since 1970
 */
export async function sign (request: AdapterRequest, service: string, region: string, credentials: AwsCredentials, nowMs: number): Promise<AdapterRequest> {
  const headers: string[] = []
  const signed: Record<string, string> = {}
  for (let index = 0; index < request.headers.length; index += 2) {
    const name = request.headers[index] as string
    const value = request.headers[index + 1] as string
    if (signatureHeaders.has(name)) continue
    headers.push(name, value)
    if (name.startsWith('x-amz-')) signed[name] = value
  }
  const signer = new AwsV4Signer({
    method: 'POST',
    url: request.origin + request.path,
    headers: signed,
    body: request.body as Uint8Array<ArrayBuffer>,
    accessKeyId: credentials.accessKey,
    secretAccessKey: credentials.secretKey,
    sessionToken: credentials.sessionToken === '' ? undefined : credentials.sessionToken,
    service,
    region,
    datetime: new Date(nowMs).toISOString().replace(/[:-]|\.\d{3}/g, '')
  })
  const { headers: all } = await signer.sign()
  for (const name of signatureHeaders) {
    const value = all.get(name)
    if (value !== null) headers.push(name, value)
  }
  return { ...request, headers }
}
