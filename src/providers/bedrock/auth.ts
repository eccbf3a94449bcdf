import type { KeySettings, ProviderSettings } from '../../api/settings.ts'
import { GatewayError } from '../../errors.ts'
import type { AdapterRequest } from '../adapter.ts'
import { assumeRole } from './assume-role.ts'
import type { RoleCredentials, RoleWorld } from './assume-role.ts'
import { bedrockOf, regionOf } from './endpoint.ts'
import { sign } from './sign.ts'
import type { AwsCredentials } from './sign.ts'

/** Credentials of a role are fetched anew when they have less than this left. */
const renewMs = 5 * 60_000

/** The credentials of one key's role: fetched when they are first needed, once for everybody who waits. */
class RoleSource {
  private readonly fetch: () => Promise<RoleCredentials>
  private readonly nowMs: () => number
  /** The last ones that came; null until then. */
  private current: RoleCredentials | null = null
  /** Null when nobody fetches. */
  private pending: Promise<RoleCredentials> | null = null

  constructor (fetch: () => Promise<RoleCredentials>, nowMs: () => number) {
    this.fetch = fetch
    this.nowMs = nowMs
  }

  async get (): Promise<AwsCredentials> {
    const { current } = this
    const leftMs = (current?.expiresAtMs ?? 0) - this.nowMs()
    if (current !== null && leftMs > renewMs) return current
    try {
      return await (this.pending ??= this.renew())
    } catch (error) {
      // They still work; there is time to try again.
      if (current !== null && leftMs > 0) return current
      throw error
    }
  }

  private async renew (): Promise<RoleCredentials> {
    try {
      this.current = await this.fetch()
      return this.current
    } finally {
      this.pending = null
    }
  }
}

/** Adds what opens Bedrock to a request: a bearer key, or a signature. */
export class BedrockAuthorizer {
  private readonly settings: ProviderSettings
  private readonly world: RoleWorld
  /** By the index of their key; one for each key with a role at most. */
  private readonly roles = new Map<number, RoleSource>()

  constructor (settings: ProviderSettings, world: RoleWorld) {
    this.settings = settings
    this.world = world
  }

  /** @throws GatewayError BIFROST_UPSTREAM_STATUS 401 when there are no credentials */
  authorize (request: AdapterRequest, keyIndex: number): AdapterRequest | Promise<AdapterRequest> {
    const key = this.settings.keys[keyIndex]
    const value = key?.value ?? ''
    // A stand-in for Bedrock that takes everyone (`is_key_less`).
    if (value === '' && this.settings.keyless && (bedrockOf(key)?.accessKey ?? '') === '') return request
    if (value === '') return this.signed(request, keyIndex, key)
    request.headers.push('authorization', `Bearer ${value}`)
    return request
  }

  private async signed (request: AdapterRequest, keyIndex: number, key: KeySettings | undefined): Promise<AdapterRequest> {
    const credentials = await this.credentials(keyIndex, key)
    return await sign(request, 'bedrock', regionOf(key), credentials, this.world.nowMs())
  }

  private async credentials (keyIndex: number, key: KeySettings | undefined): Promise<AwsCredentials> {
    const { name } = this.settings
    const bedrock = bedrockOf(key)
    if (bedrock === null || bedrock.accessKey === '' || bedrock.secretKey === '') {
      throw new GatewayError('BIFROST_UPSTREAM_STATUS', { status: 401, provider: name, message: `${name} has no credentials for this key: give value, or access_key and secret_key in bedrock_key_config, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.` })
    }
    if (bedrock.roleArn === '') return bedrock
    let role = this.roles.get(keyIndex)
    if (role === undefined) {
      role = new RoleSource(() => assumeRole(name, bedrock, regionOf(key), bedrock, this.world), this.world.nowMs)
      this.roles.set(keyIndex, role)
    }
    return await role.get()
  }
}
