import type { BedrockSettings, KeySettings, ProviderSettings } from '../../api/settings.ts'
import { GatewayError } from '../../errors.ts'

/** What Bedrock's runtime is asked for. */
export type Action = 'converse' | 'converse-stream' | 'invoke' | 'invoke-with-response-stream' | 'count-tokens'

export function bedrockOf (key: KeySettings | undefined): BedrockSettings | null {
  return key?.cloud?.kind === 'bedrock' ? key.cloud : null
}

export function regionOf (key: KeySettings | undefined): string {
  const region = bedrockOf(key)?.region ?? ''
  return region === '' ? 'us-east-1' : region
}

/**
 * Where a model is asked. Its id is one segment of the path: `:` and the `/` of an ARN go percent-encoded.
 * @throws GatewayError BIFROST_INVALID_REQUEST for a model that is no segment
 */
export function urlOf (settings: ProviderSettings, keyIndex: number, model: string, action: Action): URL {
  const key = settings.keys[keyIndex]
  const arn = bedrockOf(key)?.arn ?? ''
  const id = arn === '' || model.startsWith('arn:') ? model : `${arn}/${model}`
  // A URL takes such segments for steps up, and the request would go elsewhere.
  if (id === '.' || id === '..') throw new GatewayError('BIFROST_INVALID_REQUEST', { param: 'model', message: `${id} is not the id of a model.` })
  return new URL(`${settings.baseUrl.replace('{region}', regionOf(key))}/model/${encodeURIComponent(id)}/${action}`)
}
