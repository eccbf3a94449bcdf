import { createHash, createHmac } from 'node:crypto'
import { Refusal } from '../fake-server.ts'
import type { FakeRequest } from '../fake-server.ts'

/** AWS Signature Version 4 by its specification, for the one service of these tests. */
export interface SigningKey {
  accessKey: string
  secretKey: string
  region: string
}

type Signable = Pick<FakeRequest, 'method' | 'path' | 'headers' | 'bytes'>

const service = 'bedrock'
const algorithm = 'AWS4-HMAC-SHA256'
/** AWS refuses requests whose clock differs by more. */
const skewMsMax = 5 * 60_000
const authorizationPattern = /^AWS4-HMAC-SHA256 Credential=([^/,\s]+)\/(\d{8})\/([^/,\s]+)\/([^/,\s]+)\/aws4_request,\s*SignedHeaders=([^,\s]+),\s*Signature=([0-9a-f]{64})$/

/** @throws Refusal unless exactly this key signed exactly these bytes a moment ago */
export function checkSignature (request: Signable, key: SigningKey): void {
  const match = authorizationPattern.exec(request.headers.authorization ?? '')
  if (match === null) throw new Refusal(`authorization is ${String(request.headers.authorization)}`)
  const [, accessKey, day, region, name, signed = '', signature] = match
  if (accessKey !== key.accessKey) throw new Refusal('The security token included in the request is invalid.')
  if (region !== key.region || name !== service) throw new Refusal(`Credential should be scoped to ${key.region}/${service}, it is to ${String(region)}/${String(name)}`)
  const time = String(request.headers['x-amz-date'])
  if (!/^\d{8}T\d{6}Z$/.test(time) || !time.startsWith(String(day))) throw new Refusal(`x-amz-date is ${time}`)
  if (Math.abs(Date.now() - Date.parse(time.replace(/^(....)(..)(..T..)(..)/, '$1-$2-$3:$4:'))) > skewMsMax) throw new Refusal(`Signature expired: ${time}`)
  checkSignedHeaders(request, signed.split(';'))
  const declared = request.headers['x-amz-content-sha256']
  if (declared !== undefined && declared !== sha256(request.bytes)) throw new Refusal(`x-amz-content-sha256 is ${String(declared)}`)
  const own = signatureOf(request, signed.split(';'), time, key)
  if (signature !== own) throw new Refusal(`The request signature we calculated does not match the signature you provided. The canonical request was ${canonicalRequest(request, signed.split(';'))}`)
}

/** The header for a request that has `host` and `x-amz-date`. */
export function authorizationOf (request: Signable, signed: readonly string[], key: SigningKey): string {
  const time = String(request.headers['x-amz-date'])
  return `${algorithm} Credential=${key.accessKey}/${scopeOf(time, key)}, SignedHeaders=${signed.join(';')}, Signature=${signatureOf(request, signed, time, key)}`
}

function checkSignedHeaders ({ headers }: Signable, signed: readonly string[]): void {
  const needed = ['host', ...Object.keys(headers).filter((name) => name.startsWith('x-amz-'))]
  for (const name of needed) {
    // This one AWS's own SDKs leave out of the signature too.
    if (name !== 'x-amz-user-agent' && !signed.includes(name)) throw new Refusal(`the header ${name} is not signed`)
  }
  for (const name of signed) {
    if (headers[name] === undefined) throw new Refusal(`the signed header ${name} did not arrive`)
  }
  if (signed.join(';') !== [...signed].sort().join(';')) throw new Refusal('SignedHeaders is not sorted')
}

function signatureOf (request: Signable, signed: readonly string[], time: string, key: SigningKey): string {
  const toSign = [algorithm, time, scopeOf(time, key), sha256(canonicalRequest(request, signed))].join('\n')
  const dateKey = hmac(`AWS4${key.secretKey}`, time.slice(0, 8))
  const signingKey = hmac(hmac(hmac(dateKey, key.region), service), 'aws4_request')
  return hmac(signingKey, toSign).toString('hex')
}

function scopeOf (time: string, { region }: SigningKey): string {
  return `${time.slice(0, 8)}/${region}/${service}/aws4_request`
}

function canonicalRequest ({ method, path, headers, bytes }: Signable, signed: readonly string[]): string {
  const [pathname = '', query = ''] = path.split('?')
  return [
    method,
    // The path is encoded once more as it stands on the wire: `%3A` of a model id is signed as `%253A`.
    pathname.split('/').map(encode).join('/'),
    [...new URLSearchParams(query)].map(([name, value]) => `${encode(name)}=${encode(value)}`).sort().join('&'),
    ...signed.map((name) => `${name}:${String(headers[name]).trim().replace(/ +/g, ' ')}`),
    '',
    signed.join(';'),
    sha256(bytes)
  ].join('\n')
}

function encode (value: string): string {
  return encodeURIComponent(value).replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
}

function hmac (key: string | Buffer, value: string): Buffer {
  return createHmac('sha256', key).update(value, 'utf8').digest()
}

function sha256 (value: string | Buffer): string {
  return createHash('sha256').update(value).digest('hex')
}
