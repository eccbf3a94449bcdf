import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MediaFetchSettings } from '../../src/api/settings.ts'
import { loadProvider, problemsOf } from './load-text.ts'

const key = { keys: [{ name: 'k', value: 'x' }] }
const providers: Record<string, object> = {
  bedrock: { keys: [{ name: 'b', bedrock_key_config: { region: 'eu-central-1', access_key: 'a', secret_key: 's' } }] },
  gemini: key,
  vertex: { keys: [{ name: 'v', value: 'x', vertex_key_config: { project_id: 'p', region: 'r' } }] },
  ollama: { keys: [{ name: 'o', ollama_key_config: { native: true } }] }
}
const settingsOf = (mediaFetch?: object, block = providers['bedrock']): MediaFetchSettings | null =>
  loadProvider('bedrock', block, {}, mediaFetch === undefined ? {} : { client: { media_fetch: mediaFetch } }).mediaFetch

test('it is on by default for the kinds that take bytes, and none of the others', () => {
  const defaults = { refusedReason: null, allowedHosts: [], fileBytesMax: 20_971_520, timeoutMs: 10_000 }
  for (const [name, block] of Object.entries(providers)) assert.deepEqual(loadProvider(name, block).mediaFetch, defaults, name)
  for (const name of ['openai', 'anthropic', 'cohere', 'mistral', 'groq', 'mock', 'ollama', 'vllm']) assert.equal(loadProvider(name, {}).mediaFetch, null, name)
  assert.equal(loadProvider('my-own', { ...key, network_config: { base_url: 'https://llm.example.com' }, custom_provider_config: { base_provider_type: 'gemini' } }).mediaFetch === null, false)
})

test('it may be switched off, and has its limits from the file', () => {
  assert.equal(settingsOf({ enabled: false, allowed_hosts: ['minio'] }), null)
  assert.deepEqual(settingsOf({ max_file_size_mb: 0.5, timeout_in_seconds: 2.5 }), { refusedReason: null, allowedHosts: [], fileBytesMax: 524_288, timeoutMs: 2_500 })
})

test('a provider with a proxy refuses by name, also where the environment says that there is none', () => {
  for (const proxy of [{ type: 'http', url: 'http://proxy:3128' }, { type: 'environment' }]) {
    assert.equal(settingsOf(undefined, { ...providers['bedrock'], proxy_config: proxy })?.refusedReason, 'providers.bedrock.proxy_config is set')
  }
})

test('allowed hosts are kept as URLs write them', () => {
  const written = ['MinIO:9000', '10.0.0.7', '0x0a000007:80', 'münchen.example:443', '[FD00::7]:9000', '[::1]', 'media.example.com:00080']
  const kept = ['minio:9000', '10.0.0.7', '10.0.0.7:80', 'xn--mnchen-3ya.example:443', '[fd00::7]:9000', '[::1]', 'media.example.com:80']
  assert.deepEqual(settingsOf({ allowed_hosts: written })?.allowedHosts, kept)
})

test('what is no host is refused, each by its place', () => {
  const wrong = ['http://minio:9000', 'minio/a', 'minio:', 'minio:0', 'minio:65536', 'user@minio', '*.example.com:x', '::1', '[::1', 'a b', 'a%20b', '?', '256.1.1.1']
  assert.deepEqual(problemsOf({ client: { media_fetch: { allowed_hosts: wrong } }, providers: { mock: {} } }), wrong.map((host, index) =>
    `client.media_fetch.allowed_hosts[${index}] = ${JSON.stringify(host)}: must be a host like "media.example.com" or "10.0.0.7:9000", without http:// and without a path`))
})
