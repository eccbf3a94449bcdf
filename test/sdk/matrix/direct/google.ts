import { ApiError, GoogleGenAI } from '@google/genai'
import type { Content, FunctionCall, GenerateContentResponse } from '@google/genai'
import { JWT } from 'google-auth-library'
import { answerSchema, expected, questions, weatherSchema } from '../cells.ts'
import type { SdkClient } from '../cells.ts'
import type { FakeProvider } from '../fake-provider.ts'
import type { FakeServer } from '../fake-server.ts'
import { geminiProvider } from '../providers/gemini.ts'
import { accountOf, project, region, vertexProvider } from '../providers/vertex.ts'
import { postJson } from './direct.ts'
import type { DirectPair } from './direct.ts'

const key = 'AIza-main'
const tools = [{ functionDeclarations: [{ name: expected.toolName, description: 'The weather of a city.', parametersJsonSchema: weatherSchema }] }]
const ask = (text: string): Content => ({ role: 'user', parts: [{ text }] })
const call: Content = { role: 'model', parts: [{ functionCall: { name: expected.toolName, args: expected.toolArguments } }] }
const result: Content = { role: 'user', parts: [{ functionResponse: { name: expected.toolName, response: { degrees: 21 } } }] }
const json = { responseMimeType: 'application/json', responseJsonSchema: answerSchema }

const malformed: DirectPair['malformed'] = [
  { name: 'with an unknown member', body: { contents: [ask(questions.hello)], max_tokens: 1 }, problem: /max_tokens/ },
  { name: 'with the role of another vendor', body: { contents: [{ role: 'assistant', parts: [{ text: 'Hello.' }] }] }, problem: /role/ },
  { name: 'with a part that is nothing', body: { contents: [{ role: 'user', parts: [{}] }] }, problem: /parts\/0/ },
  { name: 'with JSON Schema where Google has its own', body: { contents: [ask(questions.weather)], tools: [{ functionDeclarations: [{ name: 'f', parameters: weatherSchema }] }] }, problem: /additionalProperties/ },
  { name: 'with a call whose response is missing', body: { contents: [ask(questions.weather), call, ask('Well?')], tools }, problem: /number of function response parts/ },
  { name: 'with a response under another name', body: { contents: [ask(questions.weather), call, { role: 'user', parts: [{ functionResponse: { name: 'other', response: {} } }] }], tools }, problem: /is of other/ },
  { name: 'with a response in a turn of the model', body: { contents: [ask(questions.weather), call, { ...result, role: 'model' }], tools }, problem: /turn of the role model/ },
  { name: 'that begins with the model', body: { contents: [{ role: 'model', parts: [{ text: 'Hello.' }] }, ask(questions.hello)] }, problem: /first turn/ },
  { name: 'that ends with a call', body: { contents: [ask(questions.weather), call], tools }, problem: /last turn/ },
  { name: 'with a response that is no object', body: { contents: [ask(questions.weather), call, { role: 'user', parts: [{ functionResponse: { name: expected.toolName, response: '21' } }] }], tools }, problem: /response/ },
  { name: 'with a schema but without its type', body: { contents: [ask(questions.structured)], generationConfig: { responseJsonSchema: answerSchema } }, problem: /response_mime_type/ },
  { name: 'with tools beside JSON', body: { contents: [ask(questions.structured)], tools, generationConfig: json }, problem: /unsupported/ }
]

export const geminiDirect: DirectPair = {
  name: '@google/genai',
  provider: geminiProvider,
  connect: ({ url }) => runOf(new GoogleGenAI({ apiKey: key, httpOptions: { baseUrl: url, retryOptions: { attempts: 1 } } }).models, geminiProvider),
  post: ({ url }, body) => postJson(`${url}/v1beta/models/${geminiProvider.model}:generateContent`, { 'x-goog-api-key': key }, body),
  malformed
}

export const vertexDirect: DirectPair = {
  name: '@google/genai of Vertex',
  provider: vertexProvider,
  connect: (server) => runOf(
    new GoogleGenAI({ vertexai: true, project, location: region, googleAuthOptions: { authClient: authOf(server) }, httpOptions: { baseUrl: server.url, retryOptions: { attempts: 1 } } }).models,
    vertexProvider
  ),
  async post (server, body) {
    const { token } = await authOf(server).getAccessToken()
    return postJson(`${server.url}/v1/projects/${project}/locations/${region}/publishers/google/models/${vertexProvider.model}:generateContent`, { authorization: `Bearer ${String(token)}` }, body)
  },
  malformed: [...malformed, { name: 'without a role', body: { contents: [{ parts: [{ text: questions.hello }] }] }, problem: /role/ }]
}

/** Google's library asks one address only for tokens, whatever `token_uri` says; here that address is the fake. */
function authOf (server: FakeServer): JWT {
  const { client_email: email, private_key: privateKey, private_key_id: keyId, token_uri: tokenUrl } = accountOf(server)
  const redirected: typeof fetch = (input, init) => {
    const url = input instanceof Request ? input.url : String(input)
    return fetch(url === 'https://oauth2.googleapis.com/token' ? tokenUrl : input, init)
  }
  return new JWT({ email, key: privateKey, keyId, scopes: ['https://www.googleapis.com/auth/cloud-platform'], transporterOptions: { fetchImplementation: redirected } })
}

function runOf (models: GoogleGenAI['models'], { model, embeddingModel }: FakeProvider): SdkClient['run'] {
  return {
    async text () {
      const response = await models.generateContent({ model, contents: questions.hello })
      return { text: response.text ?? '', usage: toUsage(response) }
    },
    async stream () {
      const parts: GenerateContentResponse[] = []
      for await (const part of await models.generateContentStream({ model, contents: questions.hello })) parts.push(part)
      return { text: parts.map(({ text }) => text ?? '').join(''), pieces: parts.length, usage: toUsage(parts.at(-1)) }
    },
    async tools () {
      return { toolCalls: toCalls((await models.generateContent({ model, contents: questions.weather, config: { tools } })).functionCalls) }
    },
    async 'tool stream' () {
      const toolCalls: { name: string, arguments: unknown }[] = []
      for await (const part of await models.generateContentStream({ model, contents: questions.weather, config: { tools } })) toolCalls.push(...toCalls(part.functionCalls))
      return { toolCalls }
    },
    async 'tool results' () {
      const first = await models.generateContent({ model, contents: [ask(questions.weather)], config: { tools } })
      const { text } = await models.generateContent({ model, contents: [ask(questions.weather), first.candidates?.[0]?.content as Content, result], config: { tools } })
      return { text: text ?? '' }
    },
    async structured () {
      const { text } = await models.generateContent({ model, contents: questions.structured, config: json })
      return { structured: JSON.parse(text ?? '') as unknown }
    },
    async embeddings () {
      const { embeddings = [] } = await models.embedContent({ model: embeddingModel, contents: [...expected.embeddingInputs] })
      return { embeddings: embeddings.map(({ values }) => values ?? []) }
    },
    async errors () {
      try {
        await models.generateContent({ model, contents: questions.fail })
      } catch (error) {
        if (!(error instanceof ApiError)) throw error
        return { error: { status: error.status, message: error.message } }
      }
      return {}
    }
  }
}

function toUsage (response: GenerateContentResponse | undefined): { inputTokens: number, outputTokens: number } {
  return { inputTokens: response?.usageMetadata?.promptTokenCount ?? 0, outputTokens: response?.usageMetadata?.candidatesTokenCount ?? 0 }
}

function toCalls (calls: readonly FunctionCall[] = []): { name: string, arguments: unknown }[] {
  return calls.map(({ name, args }) => ({ name: name ?? '', arguments: args }))
}
