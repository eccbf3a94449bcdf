import type { Operation } from '../api/operations.ts'
import type { ProviderSettings } from '../api/settings.ts'

/** What is known about a provider before the config says anything. */
export interface BuiltInProvider {
  readonly kind: ProviderSettings['kind']
  /** Without `/v1`. */
  readonly baseUrl: string
  /** Works without credentials; a key that is given is sent all the same. */
  readonly keyless: boolean
  readonly operations: readonly Operation[]
  /** Those of `operations` that the provider itself has. */
  readonly nativeOperations: readonly Operation[]
  readonly paths: Readonly<Record<Operation, string>>
  /** Null: it has no list of its models that its key opens. */
  readonly modelsPath: string | null
  readonly injectStreamUsage: boolean
  /** Environment variable that is used when the config gives no key; null for key-less providers. */
  readonly keyVariable: string | null
  /** Block of a key that may hold the address of the server. */
  readonly urlBlock: 'ollama_key_config' | 'vllm_key_config' | 'sgl_key_config' | null
}

const defaultPaths: Readonly<Record<Operation, string>> = {
  chat_completion: '/v1/chat/completions',
  text_completion: '/v1/completions',
  embedding: '/v1/embeddings',
  responses: '/v1/responses',
  rerank: '/v1/rerank',
  count_tokens: '/v1/responses/input_tokens',
  image_generation: '/v1/images/generations',
  image_edit: '/v1/images/edits',
  image_variation: '/v1/images/variations',
  speech: '/v1/audio/speech',
  transcription: '/v1/audio/transcriptions',
  translation: '/v1/audio/translations',
  moderation: '/v1/moderations',
  // Roots: what is asked of them follows.
  file_upload: '/v1/files',
  file_list: '/v1/files',
  file_retrieve: '/v1/files',
  file_content: '/v1/files',
  file_delete: '/v1/files',
  batch_create: '/v1/batches',
  batch_list: '/v1/batches',
  batch_retrieve: '/v1/batches',
  batch_results: '/v1/batches',
  batch_cancel: '/v1/batches',
  batch_delete: '/v1/batches',
  list_models: '/v1/models'
}

const anthropicBatches = '/v1/messages/batches'
const anthropicPaths: Readonly<Record<Operation, string>> = {
  ...defaultPaths,
  chat_completion: '/v1/messages',
  responses: '/v1/messages',
  count_tokens: '/v1/messages/count_tokens',
  batch_create: anthropicBatches,
  batch_list: anthropicBatches,
  batch_retrieve: anthropicBatches,
  batch_results: anthropicBatches,
  batch_cancel: anthropicBatches,
  batch_delete: anthropicBatches
}

const full = ['chat_completion', 'text_completion', 'embedding', 'responses'] as const satisfies Operation[]
const files = ['file_upload', 'file_list', 'file_retrieve', 'file_content', 'file_delete'] as const satisfies Operation[]
const batches = ['batch_create', 'batch_list', 'batch_retrieve', 'batch_cancel'] as const satisfies Operation[]
const images = ['image_generation', 'image_edit', 'image_variation'] as const satisfies Operation[]
const audio = ['speech', 'transcription', 'translation'] as const satisfies Operation[]
const openAi = [...full, 'count_tokens', ...images, ...audio, 'moderation', ...files, ...batches] as const satisfies Operation[]
const chat = ['chat_completion'] as const satisfies Operation[]
const google = ['chat_completion', 'embedding', 'count_tokens', 'image_generation', 'image_edit', ...audio] as const satisfies Operation[]
const chatText = ['chat_completion', 'text_completion'] as const satisfies Operation[]
const chatTextEmbedding = ['chat_completion', 'text_completion', 'embedding'] as const satisfies Operation[]
const chatTextResponses = ['chat_completion', 'text_completion', 'responses'] as const satisfies Operation[]

/** What a provider without an endpoint of its own for it gets through chat. */
const throughChat = ['text_completion', 'responses'] as const satisfies Operation[]

/** Rows list what the provider itself has. */
const table: ReadonlyMap<string, BuiltInProvider> = new Map([
  row('openai', 'https://api.openai.com', openAi),
  row('groq', 'https://api.groq.com/openai', ['chat_completion', 'responses', ...audio, ...files, ...batches]),
  row('cerebras', 'https://api.cerebras.ai', chatText),
  row('ollama', 'http://127.0.0.1:11434', full, { keyless: true, keyVariable: null, urlBlock: 'ollama_key_config' }),
  row('vllm', 'http://127.0.0.1:8000', [...full, 'transcription', 'translation'], { keyless: true, keyVariable: null, urlBlock: 'vllm_key_config' }),
  row('sgl', 'http://127.0.0.1:30000', chatTextEmbedding, { keyless: true, keyVariable: null, urlBlock: 'sgl_key_config' }),
  // Its paths have no /v1, and it sends usage with every piece of a stream.
  row('perplexity', 'https://api.perplexity.ai', chat, { paths: { ...defaultPaths, chat_completion: '/chat/completions' }, modelsPath: null, injectStreamUsage: false }),
  row('nebius', 'https://api.studio.nebius.com', [...chatTextEmbedding, 'image_generation']),
  row('openrouter', 'https://openrouter.ai/api', [...chatTextResponses, 'speech']),
  row('xai', 'https://api.x.ai', [...chatTextResponses, 'image_generation']),
  row('fireworks', 'https://api.fireworks.ai/inference', full),
  row('deepseek', 'https://api.deepseek.com', chat),
  row('together', 'https://api.together.xyz', [...chatTextEmbedding, 'image_generation', 'speech', 'transcription', 'translation']),
  row('parasail', 'https://api.parasail.io', chat),
  // Its keys say where it is.
  row('azure', '', [...full, ...images, ...audio, ...files, ...batches], { kind: 'azure', modelsPath: null }),
  row('huggingface', 'https://router.huggingface.co', chat),
  // It always sends usage and refuses fields that it does not know.
  row('mistral', 'https://api.mistral.ai', ['chat_completion', 'embedding', 'speech', 'transcription', 'moderation', ...files], { kind: 'mistral', injectStreamUsage: false }),
  // Every chat goes to its Messages API, whatever the client's endpoint; usage comes with every stream.
  row('anthropic', 'https://api.anthropic.com', ['chat_completion', 'count_tokens', ...files, ...batches, 'batch_results', 'batch_delete'], { kind: 'anthropic', paths: anthropicPaths, modelsPath: '/v1/models?limit=1000', injectStreamUsage: false }),
  row('cohere', 'https://api.cohere.com', ['chat_completion', 'embedding', 'rerank'], {
    kind: 'cohere', modelsPath: '/v1/models?page_size=1000', paths: { ...defaultPaths, chat_completion: '/v2/chat', responses: '/v2/chat', embedding: '/v2/embed', rerank: '/v2/rerank' }, injectStreamUsage: false
  }),
  // Each key has a region of its own.
  row('bedrock', 'https://bedrock-runtime.{region}.amazonaws.com', ['chat_completion', 'embedding', 'rerank', 'count_tokens', ...images], { kind: 'bedrock', modelsPath: null, injectStreamUsage: false }),
  row('gemini', 'https://generativelanguage.googleapis.com', google, { kind: 'gemini', modelsPath: '/v1beta/models?pageSize=1000', injectStreamUsage: false }),
  // Stands for the address by region, see src/providers/vertex/endpoint.ts.
  row('vertex', 'https://aiplatform.googleapis.com', google, { kind: 'vertex', modelsPath: null, injectStreamUsage: false }),
  row('mock', '', full, { kind: 'mock', modelsPath: null, keyless: true, keyVariable: null })
])

export const builtInNames: readonly string[] = [...table.keys()]

/** Ollama in its own words, where a key's `ollama_key_config.native` says so. */
export function nativeOllama (builtIn: BuiltInProvider): BuiltInProvider {
  return { ...builtIn, kind: 'ollama', modelsPath: '/api/tags', paths: { ...builtIn.paths, chat_completion: '/api/chat', responses: '/api/chat', embedding: '/api/embed' }, injectStreamUsage: false }
}

/** Providers of the original that this version does not serve: their blocks load, their requests are refused. */
export const originalOnlyNames: ReadonlySet<string> = new Set([
  'bedrock_mantle', 'opencode-go', 'opencode-zen',
  'elevenlabs', 'replicate', 'runway', 'runware', 'sarvam', 'wafer', 'github-copilot', 'databricks', 'typesafe', 'deepgram'
])

export function builtInProvider (name: string): BuiltInProvider | null {
  return table.get(name) ?? null
}

/** The starting point of a custom provider, which speaks the OpenAI API at an address of its own. */
const customProvider: BuiltInProvider = {
  ...row('', '', openAi)[1],
  keyVariable: null
}

/** Starting points of custom providers by `base_provider_type`. */
export const customBases: ReadonlyMap<string, BuiltInProvider> = new Map([
  ['openai', customProvider],
  ['anthropic', toCustom('anthropic')],
  ['cohere', toCustom('cohere')],
  ['gemini', toCustom('gemini')],
  // Its address follows from the region of a key: another account needs none of its own.
  ['bedrock', { ...table.get('bedrock') ?? customProvider, keyVariable: null }],
  ['huggingface', toCustom('huggingface')]
])

/** Stands in for what `emptyUnsupported` found; nothing is ever sent to it. */
export const unsupportedProvider: BuiltInProvider = {
  ...customProvider,
  keyless: true
}

function toCustom (name: string): BuiltInProvider {
  return { ...table.get(name) ?? customProvider, baseUrl: '', keyVariable: null }
}

function row (name: string, baseUrl: string, native: readonly Operation[], more: Partial<BuiltInProvider> = {}): [string, BuiltInProvider] {
  return [name, {
    kind: 'openai',
    baseUrl,
    keyless: false,
    operations: withThroughChat(native),
    nativeOperations: native,
    paths: defaultPaths,
    modelsPath: defaultPaths.list_models,
    injectStreamUsage: true,
    keyVariable: `${name.toUpperCase()}_API_KEY`,
    urlBlock: null,
    ...more
  }]
}

function withThroughChat (native: readonly Operation[]): readonly Operation[] {
  return native.includes('chat_completion') ? [...native, ...throughChat.filter((operation) => !native.includes(operation))] : native
}
