import { BedrockRuntimeClient, ConverseCommand, ConverseStreamCommand, InvokeModelCommand, ThrottlingException } from '@aws-sdk/client-bedrock-runtime'
import type { ConverseStreamOutput, Message, TokenUsage, ToolConfiguration } from '@aws-sdk/client-bedrock-runtime'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { answerSchema, expected, questions, weatherSchema } from '../cells.ts'
import type { SdkClient } from '../cells.ts'
import { bedrockProvider, signingKey, titanModel } from '../providers/bedrock.ts'
import { authorizationOf } from '../providers/bedrock-signature.ts'
import type { SigningKey } from '../providers/bedrock-signature.ts'
import type { DirectPair } from './direct.ts'

const { model } = bedrockProvider
const toolConfig = { tools: [{ toolSpec: { name: expected.toolName, description: 'The weather of a city.', inputSchema: { json: weatherSchema } } }] } as unknown as ToolConfiguration
const ask = (text: string): Message => ({ role: 'user', content: [{ text }] })
const call: Message = { role: 'assistant', content: [{ toolUse: { toolUseId: 'tooluse_1', name: expected.toolName, input: expected.toolArguments } }] }
const result: Message = { role: 'user', content: [{ toolResult: { toolUseId: 'tooluse_1', content: [{ text: expected.toolResult }] } }] }

export const bedrockDirect: DirectPair = {
  name: '@aws-sdk/client-bedrock-runtime',
  provider: bedrockProvider,
  connect: ({ url }) => runOf(new BedrockRuntimeClient({
    endpoint: url, region: signingKey.region, credentials: { accessKeyId: signingKey.accessKey, secretAccessKey: signingKey.secretKey }, requestHandler: new NodeHttpHandler(), maxAttempts: 1
  })),
  post: ({ url }, body) => postSigned(url, body, signingKey),
  malformed: [
    { name: 'with an unknown member', body: { messages: [ask(questions.hello)], max_tokens: 1 }, problem: /max_tokens/ },
    { name: 'with the model in its body', body: { messages: [ask(questions.hello)], modelId: model }, problem: /modelId/ },
    { name: 'with blank text', body: { messages: [ask(' ')] }, problem: /pattern/ },
    { name: 'with two turns of one role', body: { messages: [ask('One.'), ask('Two.')] }, problem: /must alternate/ },
    { name: 'that begins with the assistant', body: { messages: [{ role: 'assistant', content: [{ text: 'Hello.' }] }] }, problem: /must start with a user message/ },
    { name: 'with history of tools but without toolConfig', body: { messages: [ask(questions.weather), call, result] }, problem: /toolConfig field must be defined/ },
    { name: 'with a toolUse whose result is missing', body: { messages: [ask(questions.weather), call, ask('Well?')], toolConfig }, problem: /Expected toolResult blocks/ },
    { name: 'with a result of no call', body: { messages: [ask(questions.weather), { role: 'assistant', content: [{ text: 'Wait.' }] }, result], toolConfig }, problem: /no toolUse block before/ },
    { name: 'with an empty list of tools', body: { messages: [ask(questions.hello)], toolConfig: { tools: [] } }, problem: /toolConfig\/tools/ },
    { name: 'with arguments as text', body: { messages: [ask(questions.weather), { role: 'assistant', content: [{ toolUse: { toolUseId: 'tooluse_1', name: expected.toolName, input: '{}' } }] }, result], toolConfig }, problem: /input/ }
  ]
}

export async function postSigned (url: string, body: object, key: SigningKey, change: { path?: string, bytes?: Buffer, date?: Date } = {}): Promise<Response> {
  const path = `/model/${encodeURIComponent(model)}/converse`
  const bytes = Buffer.from(JSON.stringify(body))
  const headers = { host: new URL(url).host, 'content-type': 'application/json', 'x-amz-date': (change.date ?? new Date()).toISOString().replace(/[-:]|\.\d+/g, '') }
  const authorization = authorizationOf({ method: 'POST', path, headers, bytes }, ['content-type', 'host', 'x-amz-date'], key)
  return fetch(`${url}${change.path ?? path}`, { method: 'POST', headers: { ...headers, authorization }, body: change.bytes ?? bytes })
}

function runOf (client: BedrockRuntimeClient): SdkClient['run'] {
  const weather = { modelId: model, messages: [ask(questions.weather)], toolConfig }
  return {
    async text () {
      const { output, usage, stopReason } = await client.send(new ConverseCommand({ modelId: model, messages: [ask(questions.hello)] }))
      if (stopReason !== 'end_turn') throw new Error(`stopReason is ${String(stopReason)}`)
      return { text: toText(output?.message), usage: toUsage(usage) }
    },
    async stream () {
      const events = await collect((await client.send(new ConverseStreamCommand({ modelId: model, messages: [ask(questions.hello)] }))).stream)
      const texts = events.flatMap((event) => event.contentBlockDelta?.delta?.text ?? [])
      return { text: texts.join(''), pieces: texts.length, usage: toUsage(events.at(-1)?.metadata?.usage) }
    },
    async tools () {
      const { output, stopReason } = await client.send(new ConverseCommand(weather))
      if (stopReason !== 'tool_use') throw new Error(`stopReason is ${String(stopReason)}`)
      return { toolCalls: (output?.message?.content ?? []).flatMap(({ toolUse }) => toolUse === undefined ? [] : [{ name: toolUse.name ?? '', arguments: toolUse.input }]) }
    },
    async 'tool stream' () {
      const events = await collect((await client.send(new ConverseStreamCommand(weather))).stream)
      const said = events.map((event) => event.contentBlockDelta?.delta?.toolUse?.input ?? '').join('')
      return { toolCalls: events.flatMap((event) => event.contentBlockStart?.start?.toolUse ?? []).map(({ name }) => ({ name: name ?? '', arguments: JSON.parse(said) as unknown })) }
    },
    async 'tool results' () {
      const first = (await client.send(new ConverseCommand(weather))).output?.message as Message
      const toolUseId = first.content?.[0]?.toolUse?.toolUseId
      const { output } = await client.send(new ConverseCommand({ ...weather, messages: [...weather.messages, first, { role: 'user', content: [{ toolResult: { toolUseId, content: [{ json: { degrees: 21 } }] } }] }] }))
      return { text: toText(output?.message) }
    },
    async structured () {
      const { output } = await client.send(new ConverseCommand({
        modelId: model, messages: [ask(questions.structured)], outputConfig: { textFormat: { type: 'json_schema', structure: { jsonSchema: { name: 'weather', schema: JSON.stringify(answerSchema) } } } }
      }))
      return { structured: JSON.parse(toText(output?.message)) as unknown }
    },
    async embeddings () {
      const embeddings: number[][] = []
      for (const inputText of expected.embeddingInputs) {
        const { body } = await client.send(new InvokeModelCommand({ modelId: titanModel, contentType: 'application/json', body: JSON.stringify({ inputText }) }))
        embeddings.push((JSON.parse(body.transformToString()) as { embedding: number[] }).embedding)
      }
      return { embeddings }
    },
    async errors () {
      try {
        await client.send(new ConverseCommand({ modelId: model, messages: [ask(questions.fail)] }))
      } catch (error) {
        if (!(error instanceof ThrottlingException)) throw error
        return { error: { status: error.$metadata.httpStatusCode ?? 0, message: error.message } }
      }
      return {}
    }
  }
}

async function collect (stream: AsyncIterable<ConverseStreamOutput> | undefined): Promise<ConverseStreamOutput[]> {
  const events: ConverseStreamOutput[] = []
  for await (const event of stream ?? []) events.push(event)
  return events
}

function toUsage (usage: TokenUsage | undefined): { inputTokens: number, outputTokens: number } {
  return { inputTokens: usage?.inputTokens ?? 0, outputTokens: usage?.outputTokens ?? 0 }
}

function toText (message: Message | undefined): string {
  return (message?.content ?? []).map(({ text }) => text ?? '').join('')
}
