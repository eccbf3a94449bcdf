import { BedrockRuntimeClient, InvokeModelCommand, InvokeModelWithResponseStreamCommand, ThrottlingException } from '@aws-sdk/client-bedrock-runtime'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { answerSchema, expected, questions, weatherSchema } from '../cells.ts'
import type { Endpoint, SdkClient } from '../cells.ts'

type Block = { type: 'text', text: string } | { type: 'tool_use', id: string, name: string, input: unknown }

/** As far as Anthropic's format is read here. */
interface Message {
  content: Block[]
  stop_reason: string
  usage: { input_tokens: number, output_tokens: number }
}

interface Event {
  type: string
  index?: number
  content_block?: Block
  delta?: { text?: string, partial_json?: string, stop_reason?: string }
  'amazon-bedrock-invocationMetrics'?: { inputTokenCount: number, outputTokenCount: number }
}

const tools = [{ name: expected.toolName, description: 'The weather of a city.', input_schema: weatherSchema }]
const ask = (content: string): object => ({ role: 'user', content })
const toBody = (more: object): string => JSON.stringify({ anthropic_version: 'bedrock-2023-05-31', max_tokens: 100, ...more })

/** The SDK speaks HTTP/2 by itself, which a gateway without TLS cannot. */
export function invokeClientOf (url: string): BedrockRuntimeClient {
  return new BedrockRuntimeClient({ endpoint: `${url}/bedrock`, region: 'us-east-1', credentials: { accessKeyId: 'client-id', secretAccessKey: 'client-secret' }, requestHandler: new NodeHttpHandler(), maxAttempts: 1 })
}

async function invoke (url: string, modelId: string, body: string): Promise<unknown> {
  const client = invokeClientOf(url)
  try {
    const answer = await client.send(new InvokeModelCommand({ modelId, contentType: 'application/json', accept: 'application/json', body }))
    if (answer.contentType !== 'application/json') throw new Error(`contentType is ${String(answer.contentType)}`)
    return JSON.parse(answer.body.transformToString()) as unknown
  } finally {
    client.destroy()
  }
}

async function create (endpoint: Endpoint, more: object): Promise<Message> {
  return await invoke(endpoint.url, endpoint.model, toBody(more)) as Message
}

async function stream (endpoint: Endpoint, more: object): Promise<Event[]> {
  const client = invokeClientOf(endpoint.url)
  try {
    const { body } = await client.send(new InvokeModelWithResponseStreamCommand({ modelId: endpoint.model, contentType: 'application/json', body: toBody(more) }))
    const events: Event[] = []
    for await (const { chunk } of body ?? []) if (chunk?.bytes !== undefined) events.push(JSON.parse(Buffer.from(chunk.bytes).toString('utf8')) as Event)
    return events
  } finally {
    client.destroy()
  }
}

/** InvokeModel with Anthropic's and Cohere's bodies. */
export const bedrockInvokeClient: SdkClient = {
  name: 'aws bedrock, InvokeModel',
  run: {
    async text (endpoint) {
      const { content, usage, stop_reason: reason } = await create(endpoint, { messages: [ask(questions.hello)] })
      if (reason !== 'end_turn') throw new Error(`stop_reason is ${reason}`)
      return { text: toText(content), usage: { inputTokens: usage.input_tokens, outputTokens: usage.output_tokens } }
    },
    async stream (endpoint) {
      const events = await stream(endpoint, { messages: [ask(questions.hello)] })
      const texts = events.flatMap(({ delta }) => delta?.text ?? [])
      const last = events.at(-1)
      if (last?.type !== 'message_stop') throw new Error(`the last event is ${String(last?.type)}`)
      const { inputTokenCount = 0, outputTokenCount = 0 } = last['amazon-bedrock-invocationMetrics'] ?? {}
      return { text: texts.join(''), pieces: texts.length, usage: { inputTokens: inputTokenCount, outputTokens: outputTokenCount } }
    },
    async tools (endpoint) {
      const { content, stop_reason: reason } = await create(endpoint, { messages: [ask(questions.weather)], tools })
      if (reason !== 'tool_use') throw new Error(`stop_reason is ${reason}`)
      return { toolCalls: content.flatMap((block) => block.type === 'tool_use' ? [{ name: block.name, arguments: block.input }] : []) }
    },
    async 'tool stream' (endpoint) {
      const events = await stream(endpoint, { messages: [ask(questions.weather)], tools })
      const reason = events.find(({ type }) => type === 'message_delta')?.delta?.stop_reason
      if (reason !== 'tool_use') throw new Error(`stop_reason is ${String(reason)}`)
      return {
        toolCalls: events.flatMap(({ content_block: block, index }) => block?.type !== 'tool_use'
          ? []
          : [{ name: block.name, arguments: JSON.parse(events.map((event) => event.index === index ? event.delta?.partial_json ?? '' : '').join('')) as unknown }])
      }
    },
    async 'tool results' (endpoint) {
      const { content } = await create(endpoint, { messages: [ask(questions.weather)], tools })
      const call = content.find(({ type }) => type === 'tool_use') as { id: string }
      const result = { type: 'tool_result', tool_use_id: call.id, content: expected.toolResult }
      const answer = await create(endpoint, { messages: [ask(questions.weather), { role: 'assistant', content }, { role: 'user', content: [result] }], tools })
      return { text: toText(answer.content) }
    },
    async structured (endpoint) {
      const { content } = await create(endpoint, { messages: [ask(questions.structured)], output_config: { format: { type: 'json_schema', schema: answerSchema } } })
      return { structured: JSON.parse(toText(content)) as unknown }
    },
    async embeddings ({ url, embeddingModel }) {
      const { embeddings, response_type: type } = await invoke(url, embeddingModel, JSON.stringify({ texts: expected.embeddingInputs, input_type: 'search_document' })) as { embeddings: number[][], response_type: string }
      if (type !== 'embeddings_floats') throw new Error(`response_type is ${type}`)
      return { embeddings }
    },
    async errors (endpoint) {
      try {
        await create(endpoint, { messages: [ask(questions.fail)] })
      } catch (error) {
        if (!(error instanceof ThrottlingException)) throw error
        return { error: { status: error.$metadata.httpStatusCode ?? 0, message: error.message } }
      }
      return {}
    }
  }
}

function toText (content: readonly Block[]): string {
  return content.map((block) => block.type === 'text' ? block.text : '').join('')
}
