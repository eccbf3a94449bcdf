import type { AuthClient } from 'google-auth-library'

const scopes = ['https://www.googleapis.com/auth/cloud-platform']
/** Where the library sends the assertion of a service account, whatever the account says. */
const libraryTokenUrl = 'https://oauth2.googleapis.com/token'

export interface AccessToken {
  value: string
  /** Milliseconds since 1970; 0 when nobody said. */
  expiresAtMs: number
}

/**
 * A token of Google's OAuth server, by the library. It loads with the first token: most gateways never ask for one.
 * @param credentials JSON of a service account or of another credential that the library knows; empty for application default credentials
 * @param fetchInstead in place of the library's own way to the token server; null for that
 */
export async function createTokenFetcher (credentials: string, fetchInstead: typeof fetch | null): Promise<() => Promise<AccessToken>> {
  const client = await createClient(credentials, fetchInstead)
  return async () => {
    // This is asked only when a new one is wanted, which the client would judge by its own clock and threshold.
    client.credentials = { ...client.credentials, expiry_date: 1 }
    const { token } = await client.getAccessToken()
    if (typeof token !== 'string' || token === '') throw new Error('Google gave no access token')
    return { value: token, expiresAtMs: client.credentials.expiry_date ?? 0 }
  }
}

async function createClient (credentials: string, fetchInstead: typeof fetch | null): Promise<AuthClient> {
  const { GoogleAuth, JWT, gaxios } = await import('google-auth-library')
  const transporter = new gaxios.Gaxios(fetchInstead === null ? {} : { fetchImplementation: fetchInstead })
  if (credentials === '') return await new GoogleAuth({ scopes, clientOptions: { transporter } }).getClient()
  const json = JSON.parse(credentials) as { type?: string, token_uri?: unknown, client_email?: string, private_key?: string, private_key_id?: string }
  if (json.type !== 'service_account') return await new GoogleAuth({ credentials: json, scopes, clientOptions: { transporter } }).getClient()
  const { token_uri: tokenUrl } = json
  if (typeof tokenUrl === 'string' && tokenUrl !== '') {
    transporter.interceptors.request.add({
      resolved: (options) => {
        if (options.url.toString() === libraryTokenUrl) options.url = new URL(tokenUrl)
        return Promise.resolve(options)
      }
    })
  }
  return new JWT({ email: json.client_email, key: json.private_key, keyId: json.private_key_id, scopes, transporter })
}
