import { BedrockRuntimeClient, ConverseCommand, ConverseStreamCommand, ThrottlingException } from '@aws-sdk/client-bedrock-runtime'
import type { ContentBlock, ConverseCommandInput, ConverseCommandOutput, ConverseStreamOutput, Message, TokenUsage, ToolConfiguration } from '@aws-sdk/client-bedrock-runtime'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { answerSchema, expected, questions, weatherSchema } from '../cells.ts'
import type { Endpoint, SdkClient } from '../cells.ts'

const toolConfig = { tools: [{ toolSpec: { name: expected.toolName, description: 'The weather of a city.', inputSchema: { json: weatherSchema } } }] } as unknown as ToolConfiguration

/** The SDK speaks HTTP/2 by itself, which a gateway without TLS cannot. It encodes the slash of `provider/model` in the path. */
function clientOf ({ url }: Endpoint): BedrockRuntimeClient {
  return new BedrockRuntimeClient({
    endpoint: `${url}/bedrock`,
    region: 'us-east-1',
    credentials: { accessKeyId: 'client-id', secretAccessKey: 'client-secret' },
    requestHandler: new NodeHttpHandler(),
    maxAttempts: 1
  })
}

const ask = (text: string): Message[] => [{ role: 'user', content: [{ text }] }]

async function converse (endpoint: Endpoint, input: Omit<ConverseCommandInput, 'modelId'>): Promise<ConverseCommandOutput> {
  const client = clientOf(endpoint)
  try {
    return await client.send(new ConverseCommand({ modelId: endpoint.model, ...input }))
  } finally {
    client.destroy()
  }
}

async function converseStream (endpoint: Endpoint, input: Omit<ConverseCommandInput, 'modelId'>): Promise<ConverseStreamOutput[]> {
  const client = clientOf(endpoint)
  try {
    const { stream } = await client.send(new ConverseStreamCommand({ modelId: endpoint.model, ...input }))
    const events: ConverseStreamOutput[] = []
    for await (const event of stream ?? []) events.push(event)
    return events
  } finally {
    client.destroy()
  }
}

/** Converse. Embeddings are bodies of each model's own behind InvokeModel. */
export const bedrockClient: SdkClient = {
  name: 'aws bedrock',
  run: {
    async text (endpoint) {
      const { output, usage, stopReason } = await converse(endpoint, { messages: ask(questions.hello) })
      if (stopReason !== 'end_turn') throw new Error(`stopReason is ${String(stopReason)}`)
      return { text: toText(output?.message), usage: toUsage(usage) }
    },
    async stream (endpoint) {
      const events = await converseStream(endpoint, { messages: ask(questions.hello) })
      const texts = events.flatMap((event) => event.contentBlockDelta?.delta?.text ?? [])
      return { text: texts.join(''), pieces: texts.length, usage: toUsage(events.findLast((event) => event.metadata !== undefined)?.metadata?.usage) }
    },
    async tools (endpoint) {
      const { output, stopReason } = await converse(endpoint, { messages: ask(questions.weather), toolConfig })
      if (stopReason !== 'tool_use') throw new Error(`stopReason is ${String(stopReason)}`)
      return { toolCalls: (output?.message?.content ?? []).flatMap(({ toolUse }) => toolUse === undefined ? [] : [{ name: toolUse.name ?? '', arguments: toolUse.input }]) }
    },
    async 'tool stream' (endpoint) {
      const events = await converseStream(endpoint, { messages: ask(questions.weather), toolConfig })
      const reason = events.find((event) => event.messageStop !== undefined)?.messageStop?.stopReason
      if (reason !== 'tool_use') throw new Error(`stopReason is ${String(reason)}`)
      const starts = events.flatMap((event) => event.contentBlockStart?.start?.toolUse === undefined ? [] : [event.contentBlockStart])
      return {
        toolCalls: starts.map(({ start, contentBlockIndex }) => ({
          name: start?.toolUse?.name ?? '',
          arguments: JSON.parse(events.map(({ contentBlockDelta: delta }) => delta?.contentBlockIndex === contentBlockIndex ? delta?.delta?.toolUse?.input ?? '' : '').join('')) as unknown
        }))
      }
    },
    async 'tool results' (endpoint) {
      const first = (await converse(endpoint, { messages: ask(questions.weather), toolConfig })).output?.message as Message
      const toolUseId = first.content?.find(({ toolUse }) => toolUse !== undefined)?.toolUse?.toolUseId
      const result: ContentBlock = { toolResult: { toolUseId, content: [{ json: JSON.parse(expected.toolResult) }], status: 'success' } }
      const { output } = await converse(endpoint, { messages: [...ask(questions.weather), first, { role: 'user', content: [result] }], toolConfig })
      return { text: toText(output?.message) }
    },
    async structured (endpoint) {
      const { output } = await converse(endpoint, {
        messages: ask(questions.structured),
        outputConfig: { textFormat: { type: 'json_schema', structure: { jsonSchema: { name: 'weather', schema: JSON.stringify(answerSchema) } } } }
      })
      return { structured: JSON.parse(toText(output?.message)) as unknown }
    },
    async errors (endpoint) {
      try {
        await converse(endpoint, { messages: ask(questions.fail) })
      } catch (error) {
        if (!(error instanceof ThrottlingException)) throw error
        return { error: { status: error.$metadata.httpStatusCode ?? 0, message: error.message } }
      }
      return {}
    }
  }
}

function toUsage (usage: TokenUsage | undefined): { inputTokens: number, outputTokens: number } {
  return { inputTokens: usage?.inputTokens ?? 0, outputTokens: usage?.outputTokens ?? 0 }
}

function toText (message: Message | undefined): string {
  return (message?.content ?? []).map(({ text }) => text ?? '').join('')
}
