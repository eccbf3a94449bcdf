import { randomUUID } from 'node:crypto'
import { quick } from '../fake-provider.ts'
import type { FakeProvider } from '../fake-provider.ts'
import { json, Refusal, startFakeServer } from '../fake-server.ts'
import type { FakeAnswer, FakeRequest, FakeServer } from '../fake-server.ts'
import { answerGenerate } from './google.ts'
import { checkPredict, checkVertex } from './google-schema.ts'
import type { GenerateBody } from './google-schema.ts'
import { answerToken, createServiceAccount } from './google-token.ts'
import type { ServiceAccount } from './google-token.ts'
import { embeddingOf } from './reply.ts'

export const project = 'matrix-project'
export const region = 'europe-west4'
const model = 'gemini-2.5-flash'
const embeddingModel = 'text-embedding-005'
const flavor = {
  candidate: { text: {}, call: {} },
  usage: { trafficType: 'ON_DEMAND' },
  response: { createTime: '2026-08-19T14:34:29.467202Z' },
  failure: {}
}
const accounts = new WeakMap<FakeServer, ServiceAccount>()

export const vertexProvider: FakeProvider = {
  name: 'vertex',
  model,
  embeddingModel,
  lacks: [],
  async start (owner) {
    const token = `ya29.${randomUUID()}`
    const server: FakeServer = await startFakeServer(owner, (request) => request.path === '/token' ? answerToken(request, accountOf(server), token) : answerVertex(request, token))
    accounts.set(server, createServiceAccount(server.url, project))
    return server
  },
  toConfig: (server) => ({
    keys: [{ name: 'main', value: '', models: ['*'], vertex_key_config: { project_id: project, region, auth_credentials: JSON.stringify(accountOf(server)) } }],
    network_config: { base_url: server.url, ...quick }
  })
}

/** The account whose tokens this server takes. */
export function accountOf (server: FakeServer): ServiceAccount {
  const account = accounts.get(server)
  if (account === undefined) throw new Error('the server is none of Vertex')
  return account
}

function answerVertex ({ method, path, headers, body }: FakeRequest, token: string): FakeAnswer {
  if (headers.authorization !== `Bearer ${token}`) throw new Refusal('Request had invalid authentication credentials. Expected OAuth 2 access token.')
  const { pathname, searchParams } = new URL(path, 'http://vertex')
  const match = /^\/(?:v1|v1beta1)\/projects\/([^/]+)\/locations\/([^/]+)\/publishers\/google\/models\/([^/:]+):(\w+)$/.exec(pathname)
  if (method !== 'POST' || match === null) throw new Refusal(`no such path: ${method}`)
  if (match[1] !== project || match[2] !== region) throw new Refusal(`no such place: ${match[1]} in ${match[2]}`)
  switch (`${match[3]}:${match[4]}`) {
    case `${model}:generateContent`:
      checkVertex(body)
      return answerGenerate(body as unknown as GenerateBody, null, flavor)
    case `${model}:streamGenerateContent`:
      checkVertex(body)
      return answerGenerate(body as unknown as GenerateBody, searchParams.get('alt') ?? '', flavor)
    case `${embeddingModel}:predict`:
      checkPredict(body)
      return json({
        predictions: (body['instances'] as { content: string }[]).map(({ content }) => ({ embeddings: { statistics: { truncated: false, token_count: 1 }, values: embeddingOf(content) } })),
        metadata: { billableCharacterCount: 6 }
      })
    default: throw new Refusal(`no such model or method: ${match[3]}:${match[4]}`)
  }
}
