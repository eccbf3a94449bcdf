import type { BedrockSettings } from '../../api/settings.ts'
import { GatewayError } from '../../errors.ts'
import { sign } from './sign.ts'
import type { AwsCredentials } from './sign.ts'

/** What the credentials of a role need of the outside world. */
export interface RoleWorld {
  /** Milliseconds since 1970. */
  nowMs: () => number
  fetch: (url: string, init: { method: string, headers: [string, string][], body: string, signal: AbortSignal, redirect: 'error' }) => Promise<{ status: number, text: () => Promise<string> }>
}

export interface RoleCredentials extends AwsCredentials {
  /** Milliseconds since 1970. */
  expiresAtMs: number
}

const timeoutMs = 10_000
const lifetimeSeconds = 3_600
/** What STS calls a rate limit, with a status of 400. */
const throttled = /^(Throttling|ThrottlingException|RequestLimitExceeded)$/

/** Asks STS for the credentials of the role. @throws GatewayError 401 when it refuses, otherwise one that says to try again */
export async function assumeRole (provider: string, settings: BedrockSettings, region: string, own: AwsCredentials, world: RoleWorld): Promise<RoleCredentials> {
  const url = new URL(settings.stsEndpoint === '' ? `https://sts.${region}.amazonaws.com/` : settings.stsEndpoint)
  const form = new URLSearchParams({
    Action: 'AssumeRole',
    Version: '2011-06-15',
    RoleArn: settings.roleArn,
    RoleSessionName: settings.sessionName === '' ? 'bifrost' : settings.sessionName,
    DurationSeconds: String(lifetimeSeconds),
    ...settings.externalId === '' ? {} : { ExternalId: settings.externalId }
  }).toString()
  const unsigned = { origin: url.origin, path: url.pathname, headers: ['content-type', 'application/x-www-form-urlencoded'], body: Buffer.from(form) }
  const { headers } = await sign(unsigned, 'sts', region, own, world.nowMs())
  let status: number
  let text: string
  try {
    const pairs = headers.flatMap((name, index): [string, string][] => index % 2 === 0 ? [[name, headers[index + 1] as string]] : [])
    const answer = await world.fetch(url.href, { method: 'POST', headers: pairs, body: form, signal: AbortSignal.timeout(timeoutMs), redirect: 'error' })
    status = answer.status
    text = await answer.text()
  } catch (cause) {
    throw new GatewayError('BIFROST_UPSTREAM_CONNECT', { provider, message: `Could not reach ${url.host}, which was to give the credentials of ${settings.roleArn}.`, cause })
  }
  const credentials = status === 200 ? parseCredentials(text) : null
  if (credentials !== null) return credentials
  const code = tag(text, 'Code')
  throw new GatewayError('BIFROST_UPSTREAM_STATUS', {
    provider,
    status: status === 429 || throttled.test(code) ? 429 : status >= 500 || status === 200 ? 503 : 401,
    type: code === '' ? undefined : code,
    message: `${url.host} did not give the credentials of ${settings.roleArn}: ${tag(text, 'Message') || `status ${status}`}`
  })
}

function parseCredentials (xml: string): RoleCredentials | null {
  const accessKey = tag(xml, 'AccessKeyId')
  const secretKey = tag(xml, 'SecretAccessKey')
  const sessionToken = tag(xml, 'SessionToken')
  const expiresAtMs = Date.parse(tag(xml, 'Expiration'))
  return accessKey === '' || secretKey === '' || sessionToken === '' || Number.isNaN(expiresAtMs) ? null : { accessKey, secretKey, sessionToken, expiresAtMs }
}

/** The text of an element; none of those that are read here holds others. */
function tag (xml: string, name: string): string {
  return new RegExp(`<${name}>\\s*([^<]*?)\\s*</${name}>`).exec(xml)?.[1] ?? ''
}
