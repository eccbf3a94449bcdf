import { quick } from '../fake-provider.ts'
import type { FakeProvider } from '../fake-provider.ts'
import { json, Refusal, startFakeServer } from '../fake-server.ts'
import type { FakeAnswer, FakeRequest } from '../fake-server.ts'
import { answerGenerate } from './google.ts'
import { checkBatchEmbed, checkGemini } from './google-schema.ts'
import type { GenerateBody } from './google-schema.ts'
import { embeddingOf } from './reply.ts'

const key = 'AIza-main'
const model = 'gemini-2.5-flash'
const embeddingModel = 'gemini-embedding-001'
const flavor = {
  candidate: { text: { index: 0 }, call: { index: 0, finishMessage: 'Model generated function call(s).' } },
  usage: { serviceTier: 'standard' },
  response: {},
  failure: { details: [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '0s' }] }
}

export const geminiProvider: FakeProvider = {
  name: 'gemini',
  model,
  embeddingModel,
  lacks: [],
  start: (owner) => startFakeServer(owner, answerGemini),
  toConfig: ({ url }) => ({ keys: [{ name: 'main', value: key, models: ['*'] }], network_config: { base_url: url, ...quick } })
}

function answerGemini ({ method, path, headers, body }: FakeRequest): FakeAnswer {
  const { pathname, searchParams } = new URL(path, 'http://gemini')
  if ((headers['x-goog-api-key'] ?? searchParams.get('key')) !== key) throw new Refusal('API key not valid. Please pass a valid API key.')
  switch (`${method} ${pathname}`) {
    case `POST /v1beta/models/${model}:generateContent`:
      checkGemini(body)
      return answerGenerate(body as unknown as GenerateBody, null, flavor)
    case `POST /v1beta/models/${model}:streamGenerateContent`:
      checkGemini(body)
      return answerGenerate(body as unknown as GenerateBody, searchParams.get('alt') ?? '', flavor)
    case `POST /v1beta/models/${embeddingModel}:batchEmbedContents`:
      checkBatchEmbed(body)
      return json({ embeddings: (body['requests'] as EmbedRequest[]).map(embed) })
    case `POST /v1beta/models/${embeddingModel}:embedContent`:
      checkBatchEmbed({ requests: [{ model: `models/${embeddingModel}`, ...body }] })
      return json({ embedding: embed(body as unknown as EmbedRequest) })
    default: throw new Refusal('no such path')
  }
}

interface EmbedRequest { content: { parts: { text: string }[] } }

function embed ({ content }: EmbedRequest): object {
  return { values: embeddingOf(content.parts.map(({ text }) => text).join('')) }
}
