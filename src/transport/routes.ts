import type { Dialect } from '../api/dialects.ts'
import type { HttpMethod } from '../api/job.ts'
import type { Operation } from '../api/operations.ts'
import type { RequestRoute } from '../api/parsed-request.ts'
import { GatewayError } from '../errors.ts'
import { decodeModel } from './decode-model.ts'
import { findResource } from './resource-routes.ts'
import type { ResourceRoute, ResourceRoutes } from './resource-routes.ts'

/** Prefixes under which everything else is mounted once more, for frameworks that expect them. */
const frameworks = /^\/(?:litellm|langchain|pydanticai)(?=\/)/
/** Prefixes of a dialect. Beneath them a model without a provider means the provider of that name. */
const mounts: ReadonlyMap<string, { dialect: Dialect, provider: string }> = new Map([
  ['openai', { dialect: 'openai', provider: 'openai' }],
  ['anthropic', { dialect: 'anthropic', provider: 'anthropic' }],
  ['genai', { dialect: 'gemini', provider: 'gemini' }],
  ['bedrock', { dialect: 'bedrock', provider: 'bedrock' }],
  ['cohere', { dialect: 'cohere', provider: 'cohere' }]
])

const mounted = /^\/(openai|anthropic|genai|bedrock|cohere)(?=\/)/

interface FixedRoute {
  dialect: Dialect
  operation: Operation
}

/** Paths that say everything but the model; the key is what follows the mount. */
const fixedRoutes: ReadonlyMap<string, FixedRoute> = new Map<string, FixedRoute>([
  ['/v1/chat/completions', { dialect: 'openai', operation: 'chat_completion' }],
  ['/v1/completions', { dialect: 'openai', operation: 'text_completion' }],
  ['/v1/embeddings', { dialect: 'openai', operation: 'embedding' }],
  ['/v1/responses', { dialect: 'openai', operation: 'responses' }],
  ['/v1/responses/input_tokens', { dialect: 'openai', operation: 'count_tokens' }],
  ['/v1/count_tokens', { dialect: 'openai', operation: 'count_tokens' }],
  ['/v1/rerank', { dialect: 'openai', operation: 'rerank' }],
  ['/v1/images/generations', { dialect: 'openai', operation: 'image_generation' }],
  ['/v1/images/edits', { dialect: 'openai', operation: 'image_edit' }],
  ['/v1/images/variations', { dialect: 'openai', operation: 'image_variation' }],
  ['/v1/audio/speech', { dialect: 'openai', operation: 'speech' }],
  ['/v1/audio/transcriptions', { dialect: 'openai', operation: 'transcription' }],
  ['/v1/audio/translations', { dialect: 'openai', operation: 'translation' }],
  ['/v1/moderations', { dialect: 'openai', operation: 'moderation' }],
  ['/v1/messages', { dialect: 'anthropic', operation: 'chat_completion' }],
  ['/v1/messages/count_tokens', { dialect: 'anthropic', operation: 'count_tokens' }],
  ['/v2/chat', { dialect: 'cohere', operation: 'chat_completion' }],
  ['/v2/embed', { dialect: 'cohere', operation: 'embedding' }],
  ['/v2/rerank', { dialect: 'cohere', operation: 'rerank' }],
  ['/api/generate', { dialect: 'ollama', operation: 'text_completion' }],
  ['/api/chat', { dialect: 'ollama', operation: 'chat_completion' }],
  ['/api/embed', { dialect: 'ollama', operation: 'embedding' }],
  ['/api/v1/chat/completions', { dialect: 'openai', operation: 'chat_completion' }]
])

/** What nearly all have in common. */
const posted = { method: 'POST', resource: '', passthroughTo: null } as const

/** The same at the root, made once. */
const directRoutes: ReadonlyMap<string, RequestRoute> = new Map([...fixedRoutes].map(([path, route]) => [path, { ...posted, ...route, model: null, stream: null, defaultProvider: defaultProviderOf(route.dialect), template: path }]))

/** Azure's form: the deployment is the model, be it `provider/model`. */
const azurePath = /^(?:\/openai)?\/deployments\/([^/].*?)(\/(?:chat\/completions|completions|embeddings|responses|images\/generations|images\/edits|images\/variations|audio\/speech|audio\/transcriptions|audio\/translations))$/
/** Gemini's and Vertex AI's: the model is the last segment, and a verb follows it. */
const geminiPath = /^\/v1(?:beta1?|alpha)?(?:\/projects\/[^/]+\/locations\/[^/]+)?(?:\/publishers\/google)?\/models\/(.+):([a-zA-Z]+)$/
const geminiVerbs: ReadonlyMap<string, { operation: Operation, stream: boolean }> = new Map([
  ['generateContent', { operation: 'chat_completion', stream: false }],
  ['streamGenerateContent', { operation: 'chat_completion', stream: true }],
  ['embedContent', { operation: 'embedding', stream: false }],
  ['batchEmbedContents', { operation: 'embedding', stream: false }],
  ['countTokens', { operation: 'count_tokens', stream: false }]
])
const bedrockPath = /^\/model\/(.+)\/([a-z-]+)$/
const bedrockActions: ReadonlyMap<string, FixedRoute & { stream: boolean }> = new Map([
  ['converse', { dialect: 'bedrock', operation: 'chat_completion', stream: false }],
  ['converse-stream', { dialect: 'bedrock', operation: 'chat_completion', stream: true }],
  ['count-tokens', { dialect: 'bedrock', operation: 'count_tokens', stream: false }],
  // Its body says what it asks for.
  ['invoke', { dialect: 'invoke', operation: 'chat_completion', stream: false }],
  ['invoke-with-response-stream', { dialect: 'invoke', operation: 'chat_completion', stream: true }]
])
/** Anthropic's models on Vertex AI, as Anthropic's SDK for it asks for them; a count has its model in the body. */
const claudePath = /^\/v1(?:beta1)?\/projects\/[^/]+\/locations\/[^/]+\/publishers\/anthropic\/models\/([^/]+):(rawPredict|streamRawPredict)$/
const passthroughPath = /^\/([a-z0-9][a-z0-9_.-]{0,63})_passthrough(\/.*)$/
/** Without the version, as some set the base URL. */
const unversionedPath = /^\/(?:chat\/completions|completions|embeddings|responses(?:\/input_tokens)?|images\/[a-z]+|audio\/[a-z]+|moderations|(?:files|batches)(?:\/.*)?)$/

/**
 * Whose dialect a POST to this path is, and what it asks for; null when there is no such route. The same paths are served at the root, beneath
 * the mount of their dialect, and beneath the mounts of frameworks.
 * @throws GatewayError BIFROST_INVALID_REQUEST for a model in the path that is no valid percent-encoding
 */
export function findRoute (path: string): RequestRoute | null {
  // The usual path needs no pattern.
  const direct = directRoutes.get(path)
  if (direct !== undefined) return direct
  const passthrough = passthroughPath.exec(path)
  if (passthrough !== null) return findPassthrough(passthrough[1] as string, passthrough[2] as string)
  const inner = path.replace(frameworks, '')
  const mount = mounts.get(mounted.exec(inner)?.[1] ?? '')
  const rest = mount === undefined ? inner : inner.slice(inner.indexOf('/', 1))
  const route = findFixed(rest, mount !== undefined) ?? findPatterned(rest, mount !== undefined)
  if (route === null) return null
  const template = path.slice(0, path.length - rest.length) + route.template
  if (mount === undefined) return { ...route, template, defaultProvider: claudePath.test(rest) ? 'vertex' : defaultProviderOf(route.dialect) }
  return mount.dialect === (route.dialect === 'invoke' ? 'bedrock' : route.dialect) ? { ...route, template, defaultProvider: mount.provider } : null
}

/**
 * What may be asked of files and batches at this path; null when neither is there.
 * @param isAnthropic whether the client's headers are Anthropic's
 */
export function findResourceRoutes (path: string, isAnthropic: boolean): Readonly<Partial<Record<HttpMethod, RequestRoute>>> | null {
  const inner = path.replace(frameworks, '')
  const mount = mounts.get(mounted.exec(inner)?.[1] ?? '')
  const rest = mount === undefined ? inner : inner.slice(inner.indexOf('/', 1))
  const found: ResourceRoutes | null = findResource(mount !== undefined && unversionedPath.test(rest) ? `/v1${rest}` : rest, mount?.dialect ?? null, isAnthropic)
  if (found === null) return null
  const routes: Partial<Record<HttpMethod, RequestRoute>> = {}
  for (const [method, route] of Object.entries(found) as [HttpMethod, ResourceRoute][]) {
    routes[method] = { ...route, method, model: '', stream: false, passthroughTo: null, defaultProvider: mount?.provider ?? defaultProviderOf(route.dialect), template: path.slice(0, path.length - rest.length) + route.template }
  }
  return routes
}

/** `/{provider}_passthrough/` and a path of the provider's own: only what asks a model for something goes through. */
function findPassthrough (name: string, rest: string): RequestRoute {
  const route = findFixed(rest, true) ?? findPatterned(rest, true)
  if (route === null) {
    throw new GatewayError('BIFROST_PASSTHROUGH_REFUSED', { message: `Only inference goes through unread, and ${rest.slice(0, 128)} is none that is known.` })
  }
  // Google's SDK speaks to two of them; Vertex AI's paths name the project.
  const provider = name !== 'genai' ? name : rest.includes('/projects/') ? 'vertex' : 'gemini'
  return { ...route, passthroughTo: provider, defaultProvider: null, template: `/{provider}_passthrough${route.template}` }
}

type PathRoute = Omit<RequestRoute, 'defaultProvider'>

function findFixed (path: string, isMounted: boolean): PathRoute | null {
  const fixed = fixedRoutes.get(isMounted && unversionedPath.test(path) ? `/v1${path}` : path)
  return fixed === undefined ? null : { ...posted, ...fixed, model: null, stream: null, template: path }
}

function findPatterned (path: string, isMounted: boolean): PathRoute | null {
  const azure = isMounted ? azurePath.exec(path) : null
  if (azure !== null) return { ...posted, dialect: 'openai', operation: (fixedRoutes.get(`/v1${azure[2] as string}`) as FixedRoute).operation, model: decodeModel(azure[1] as string), stream: null, template: `/deployments/{model}${azure[2] as string}` }
  const gemini = geminiPath.exec(path)
  const verb = gemini === null ? undefined : geminiVerbs.get(gemini[2] as string)
  if (gemini !== null && verb !== undefined) return { ...posted, dialect: 'gemini', ...verb, model: decodeModel(gemini[1] as string), template: `/models/{model}:${gemini[2] as string}` }
  const claude = claudePath.exec(path)
  if (claude !== null) {
    const [, model = '', verb = ''] = claude
    if (model === 'count-tokens') return { ...posted, dialect: 'anthropic', operation: 'count_tokens', model: null, stream: false, template: '/models/count-tokens:rawPredict' }
    return { ...posted, dialect: 'anthropic', operation: 'chat_completion', model: decodeModel(model), stream: verb === 'streamRawPredict', template: `/models/{model}:${verb}` }
  }
  const bedrock = bedrockPath.exec(path)
  const action = bedrock === null ? undefined : bedrockActions.get(bedrock[2] as string)
  if (bedrock !== null && action !== undefined) return { ...posted, ...action, model: decodeModel(bedrock[1] as string), template: `/model/{model}/${bedrock[2] as string}` }
  return null
}

/** At the root nobody has said who is meant; only a dialect that one provider speaks says so by itself. */
function defaultProviderOf (dialect: Dialect): string | null {
  if (dialect === 'invoke') return 'bedrock'
  return dialect === 'openai' ? null : dialect
}
