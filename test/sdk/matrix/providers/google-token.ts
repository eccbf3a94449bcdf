import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto'
import { json, Refusal } from '../fake-server.ts'
import type { FakeAnswer, FakeRequest } from '../fake-server.ts'

/** Members of the JSON file that Google gives for a service account. */
export interface ServiceAccount {
  type: 'service_account'
  project_id: string
  private_key_id: string
  private_key: string
  client_email: string
  client_id: string
  token_uri: string
}

const googleTokenUrl = 'https://oauth2.googleapis.com/token'
const grantType = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
const scope = 'https://www.googleapis.com/auth/cloud-platform'
/** Google refuses assertions that live longer than an hour, or begin later than clocks differ. */
const lifetimeSecondsMax = 3600
const skewSecondsMax = 300

export function createServiceAccount (url: string, projectId: string): ServiceAccount {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048, privateKeyEncoding: { type: 'pkcs8', format: 'pem' }, publicKeyEncoding: { type: 'spki', format: 'pem' } })
  return {
    type: 'service_account',
    project_id: projectId,
    private_key_id: '3f1c0d9a',
    private_key: privateKey,
    client_email: `gateway@${projectId}.iam.gserviceaccount.com`,
    client_id: '1234567890',
    token_uri: `${url}/token`
  }
}

/** RFC 7523: an assertion that the account signed, for a token of an hour. */
export function answerToken ({ method, body }: FakeRequest, account: ServiceAccount, token: string): FakeAnswer {
  if (method !== 'POST') throw new Refusal(`the method is ${method}`)
  if (body['grant_type'] !== grantType) throw new Refusal(`unsupported_grant_type: ${String(body['grant_type'])}`)
  const [head = '', claims = '', signature = ''] = String(body['assertion']).split('.')
  const { alg, kid } = parse(head)
  if (alg !== 'RS256' || (kid !== undefined && kid !== account.private_key_id)) throw new Refusal(`invalid_grant: the assertion is signed with ${String(alg)}, key ${String(kid)}`)
  if (!verify('RSA-SHA256', Buffer.from(`${head}.${claims}`), createPublicKey(account.private_key), Buffer.from(signature, 'base64url'))) throw new Refusal('invalid_grant: Invalid JWT Signature.')
  const { iss, aud, iat, exp, scope: scopes } = parse(claims)
  const nowSeconds = Date.now() / 1000
  if (iss !== account.client_email) throw new Refusal(`invalid_grant: iss is ${String(iss)}`)
  // Google takes the address of the account's file and its own.
  if (aud !== account.token_uri && aud !== googleTokenUrl) throw new Refusal(`invalid_grant: aud is ${String(aud)}`)
  if (typeof iat !== 'number' || typeof exp !== 'number' || iat > nowSeconds + skewSecondsMax || exp < nowSeconds || exp - iat > lifetimeSecondsMax) throw new Refusal(`invalid_grant: iat is ${String(iat)}, exp ${String(exp)}`)
  if (!String(scopes).split(' ').includes(scope)) throw new Refusal(`invalid_scope: ${String(scopes)}`)
  return json({ access_token: token, expires_in: 3599, token_type: 'Bearer' })
}

function parse (piece: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(piece, 'base64url').toString('utf8')) as Record<string, unknown>
}
