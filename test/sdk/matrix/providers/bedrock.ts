import { EventStreamCodec } from '@smithy/eventstream-codec'
import { expected } from '../cells.ts'
import { quick } from '../fake-provider.ts'
import type { FakeProvider } from '../fake-provider.ts'
import { json, Refusal, startFakeServer } from '../fake-server.ts'
import type { FakeAnswer, FakeRequest } from '../fake-server.ts'
import { checkCohere, checkConverse, checkTitan } from './bedrock-schema.ts'
import type { ContentBlock, ConverseBody } from './bedrock-schema.ts'
import { checkSignature } from './bedrock-signature.ts'
import { toChunks } from '../canned/bedrock-invoke.ts'
import { checkByVersion } from './anthropic-schema.ts'
import type { MessagesBody } from './anthropic-schema.ts'
import { readAnthropic, toAnthropicEvents, toAnthropicMessage } from './anthropic.ts'
import { argumentPieces, embeddingOf, padding, piecesOf, replyTo } from './reply.ts'
import type { Asked, Reply } from './reply.ts'

export const signingKey = { accessKey: 'AKIAMATRIX', secretKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY', region: 'eu-central-1' }
/** The colon shows whether the path is encoded and signed as AWS does. */
const model = 'anthropic.claude-haiku-4-5-20251001-v1:0'
const embeddingModel = 'cohere.embed-multilingual-v3'
/** It takes one text per call. */
export const titanModel = 'amazon.titan-embed-text-v2:0'
const usage = { inputTokens: expected.usage.inputTokens, outputTokens: expected.usage.outputTokens, serverToolUsage: {}, totalTokens: 18 }
const toolUseId = 'tooluse_hsyz7O0QqkhdTHrpQhVYXj'
/** Frames are cut here and there, as on a real connection. */
const cutBytes = 157
const codec = new EventStreamCodec((bytes) => Buffer.from(bytes as Uint8Array).toString('utf8'), (said) => Buffer.from(said, 'utf8'))

export const bedrockProvider: FakeProvider = {
  name: 'bedrock',
  model,
  embeddingModel,
  lacks: [],
  start: (owner) => startFakeServer(owner, answerBedrock),
  toConfig: ({ url }) => ({
    keys: [{ name: 'main', value: '', models: ['*'], bedrock_key_config: { region: signingKey.region, access_key: signingKey.accessKey, secret_key: signingKey.secretKey } }],
    network_config: { base_url: url, ...quick }
  })
}

function answerBedrock (request: FakeRequest): FakeAnswer {
  checkSignature(request, signingKey)
  const { method, path, headers, body } = request
  if (headers['content-type'] !== 'application/json') throw new Refusal(`content-type is ${String(headers['content-type'])}`)
  const [, id = '', operation] = /^\/model\/([^/?]+)\/([a-z-]+)$/.exec(path) ?? []
  switch (`${method} ${decodeURIComponent(id)} ${String(operation)}`) {
    case `POST ${model} converse`: return answerConverse(body, false)
    case `POST ${model} converse-stream`: return answerConverse(body, true)
    case `POST ${model} invoke`: return answerClaude(body, false)
    case `POST ${model} invoke-with-response-stream`: return answerClaude(body, true)
    case `POST ${embeddingModel} invoke`:
      checkCohere(body)
      return json({ id: 'em-1', response_type: 'embeddings_floats', embeddings: (body['texts'] as string[]).map(embeddingOf), texts: body['texts'] }, 200, { 'x-amzn-bedrock-input-token-count': '2' })
    case `POST ${titanModel} invoke`: {
      checkTitan(body)
      const embedding = embeddingOf(body['inputText'])
      return json({ embedding, embeddingsByType: { float: embedding }, inputTextTokenCount: 1 }, 200, { 'x-amzn-bedrock-input-token-count': '1' })
    }
    default: throw new Refusal('The provided model identifier is invalid.')
  }
}

/** Claude's own format, with the version in the body and the model only in the path. */
function answerClaude ({ anthropic_version: version, ...body }: Record<string, unknown>, isStream: boolean): FakeAnswer {
  if (version !== 'bedrock-2023-05-31') throw new Refusal(`anthropic_version is ${String(version)}`)
  for (const name of ['model', 'stream']) if (body[name] !== undefined) throw new Refusal(`${name}: Extra inputs are not permitted`)
  const asked = { ...body, model: 'claude-haiku-4-5' }
  checkByVersion['2023-06-01']?.(asked)
  const reply = replyTo(readAnthropic(asked as unknown as MessagesBody))
  if (reply.kind === 'failure') return json({ message: expected.errorMessage }, 429, { 'x-amzn-errortype': 'ThrottlingException:http://internal.amazon.com/coral/com.amazon.bedrock/' })
  if (!isStream) return json(toAnthropicMessage(reply), 200, { 'x-amzn-bedrock-input-token-count': '11', 'x-amzn-bedrock-output-token-count': '7' })
  const events = toAnthropicEvents(reply).map((event) => JSON.parse(event.slice(event.indexOf('data: ') + 6)) as object)
  return { contentType: 'application/vnd.amazon.eventstream', chunks: toPieces(Buffer.concat(toChunks(events))) }
}

function answerConverse (body: Record<string, unknown>, isStream: boolean): FakeAnswer {
  const reply = replyTo(readConverse(body))
  if (reply.kind === 'failure') return json({ message: expected.errorMessage }, 429, { 'x-amzn-errortype': 'ThrottlingException:http://internal.amazon.com/coral/com.amazon.bedrock/' })
  if (isStream) return { contentType: 'application/vnd.amazon.eventstream', chunks: toFrames(reply) }
  return json({ metrics: { latencyMs: 524 }, output: { message: { content: [reply.kind === 'text' ? { text: reply.text } : { toolUse: { input: reply.arguments, name: reply.name, toolUseId } }], role: 'assistant' } }, stopReason: stopReasonOf(reply), usage })
}

/** @throws Refusal for what Converse does not take */
export function readConverse (body: unknown): Asked {
  checkConverse(body)
  const { messages, toolConfig, outputConfig } = body as ConverseBody
  let results: Asked['results'] = []
  for (const [index, { role, content }] of messages.entries()) {
    if (role !== (index % 2 === 0 ? 'user' : 'assistant')) throw new Refusal(index === 0 ? 'A conversation must start with a user message.' : 'A conversation must alternate between user and assistant roles.')
    if (content.some((block) => block[role === 'user' ? 'toolUse' : 'toolResult'] !== undefined)) throw new Refusal(`messages.${index} holds a block that its role cannot have`)
    results = checkResults(content, messages[index - 1]?.content ?? [], index)
  }
  // Claude goes on from what it is to have said, but not from a call.
  if (messages.at(-1)?.content.some(({ toolUse }) => toolUse !== undefined) === true) throw new Refusal('A conversation must end with a user message.')
  if (toolConfig === undefined && messages.some(({ content }) => content.some(({ toolUse }) => toolUse !== undefined))) throw new Refusal('The toolConfig field must be defined when using toolUse and toolResult content blocks.')
  const tools = (toolConfig?.tools ?? []).flatMap(({ toolSpec }) => toolSpec === undefined ? [] : [{ name: toolSpec.name, schema: toolSpec.inputSchema.json }])
  if (new Set(tools.map(({ name }) => name)).size < tools.length) throw new Refusal('The tool names are not unique.')
  const choice = toolConfig?.toolChoice
  if (choice?.tool !== undefined && !tools.some(({ name }) => name === choice.tool?.name)) throw new Refusal(`no tool has the name ${choice.tool.name}`)
  const schema = outputConfig?.textFormat?.structure.jsonSchema.schema
  return {
    said: (messages.at(-1)?.content ?? []).map(({ text }) => text ?? '').join(''),
    results,
    tools,
    format: schema === undefined ? undefined : JSON.parse(schema) as unknown,
    forced: choice?.tool?.name ?? (choice?.any === undefined ? undefined : tools[0]?.name)
  }
}

/** All calls of the turn before have their results in this one. */
function checkResults (content: readonly ContentBlock[], before: readonly ContentBlock[], index: number): Asked['results'] {
  const calls = new Map(before.flatMap(({ toolUse }) => toolUse === undefined ? [] : [[toolUse.toolUseId, toolUse]]))
  const results = content.flatMap(({ toolResult }) => {
    if (toolResult === undefined) return []
    const call = calls.get(toolResult.toolUseId)
    if (call === undefined) throw new Refusal(`The toolResult blocks at messages.${index}.content contain an id that no toolUse block before has: ${toolResult.toolUseId}`)
    calls.delete(call.toolUseId)
    return [{ name: call.name, arguments: call.input, content: toolResult.content }]
  })
  if (calls.size > 0) throw new Refusal(`Expected toolResult blocks at messages.${index}.content for the following Ids: ${[...calls.keys()].join(', ')}`)
  return results
}

function stopReasonOf ({ kind }: Reply): string {
  return kind === 'text' ? 'end_turn' : 'tool_use'
}

/** Text begins with its first piece, a call has a start; usage comes after the stop. */
export function toFrames (reply: Exclude<Reply, { kind: 'failure' }>): Uint8Array[] {
  const at = { contentBlockIndex: 0 }
  const events: [string, object][] = [
    ['messageStart', { role: 'assistant' }],
    ...reply.kind === 'text'
      ? piecesOf(reply.text).map((piece): [string, object] => ['contentBlockDelta', { ...at, delta: { text: piece } }])
      : [
          ['contentBlockStart', { ...at, start: { toolUse: { name: reply.name, toolUseId } } }] as [string, object],
          ...argumentPieces(reply.arguments).map((input): [string, object] => ['contentBlockDelta', { ...at, delta: { toolUse: { input } } }])
        ],
    ['contentBlockStop', at],
    ['messageStop', { stopReason: stopReasonOf(reply) }],
    ['metadata', { metrics: { latencyMs: 604 }, usage }]
  ]
  const bytes = Buffer.concat(events.map(([name, event], index) => codec.encode({
    headers: { ':event-type': { type: 'string', value: name }, ':content-type': { type: 'string', value: 'application/json' }, ':message-type': { type: 'string', value: 'event' } },
    body: Buffer.from(JSON.stringify({ ...event, p: padding(index) }))
  })))
  return toPieces(bytes)
}

function toPieces (bytes: Buffer): Uint8Array[] {
  return Array.from({ length: Math.ceil(bytes.length / cutBytes) }, (_, index) => bytes.subarray(index * cutBytes, (index + 1) * cutBytes))
}
