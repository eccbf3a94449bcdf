import type { ProviderSettings } from '../../src/api/settings.ts'
import { loadProvider } from '../config/load-text.ts'
import { sse } from '../sdk/matrix/fake-server.ts'
import { checkByVersion, checkOnVertex } from '../sdk/matrix/providers/anthropic-schema.ts'
import type { MessagesBody } from '../sdk/matrix/providers/anthropic-schema.ts'
import { readAnthropic, toAnthropicEvents } from '../sdk/matrix/providers/anthropic.ts'
import { toAzureChunks } from '../sdk/matrix/providers/azure.ts'
import { readConverse, toFrames } from '../sdk/matrix/providers/bedrock.ts'
import { readCohere, toCohereEvents } from '../sdk/matrix/providers/cohere.ts'
import { checkGemini, checkVertex } from '../sdk/matrix/providers/google-schema.ts'
import type { GenerateBody } from '../sdk/matrix/providers/google-schema.ts'
import { readGenerate, toResponses } from '../sdk/matrix/providers/google.ts'
import { readMistral, toMistralChunks } from '../sdk/matrix/providers/mistral.ts'
import { readOllama, toLines } from '../sdk/matrix/providers/ollama.ts'
import type { Reply } from '../sdk/matrix/providers/reply.ts'

type Body = Record<string, unknown>
export type Ending = 'text' | 'call' | 'length'
type Said = Exclude<Reply, { kind: 'failure' }>

/** What every vendor answers, in its own words: 11 tokens in, 7 out. */
export const answer = { text: 'It is 21 degrees.', name: 'weather', arguments: { city: 'Bonn' } }

export interface Vendor {
  name: string
  model: string
  settings: ProviderSettings
  /** Throws what the vendor would refuse. Null: the client's bytes go through as they are, always. */
  check: ((body: Body) => void) | null
  replies: Readonly<Record<Ending, Buffer>>
  streams: Readonly<Record<Exclude<Ending, 'length'>, Buffer>>
}

const { text, name } = answer
const given = JSON.stringify(answer.arguments)
const said: Said = { kind: 'text', text }
const called: Said = { kind: 'call', name, arguments: answer.arguments }

/** By how it ended, what was said in the vendor's words. */
function repliesOf (toReply: (ending: Ending) => object): Vendor['replies'] {
  const of = (ending: Ending): Buffer => Buffer.from(JSON.stringify(toReply(ending)))
  return { text: of('text'), call: of('call'), length: of('length') }
}

function streamsOf (toChunks: (reply: Said) => readonly (string | Uint8Array)[]): Vendor['streams'] {
  const of = (reply: Said): Buffer => Buffer.concat(toChunks(reply).map((chunk) => Buffer.from(chunk as string)))
  return { text: of(said), call: of(called) }
}

const key = { name: 'main', value: 'secret', models: ['*'] }

const claudeReplies = repliesOf((ending) => ({
  id: 'msg_01',
  type: 'message',
  role: 'assistant',
  model: 'claude-haiku-4-5-20251001',
  stop_sequence: null,
  content: [ending === 'call' ? { type: 'tool_use', id: 'toolu_01', name, input: answer.arguments } : { type: 'text', text }],
  stop_reason: { text: 'end_turn', call: 'tool_use', length: 'max_tokens' }[ending],
  usage: { input_tokens: 11, output_tokens: 7, cache_creation_input_tokens: 0, cache_read_input_tokens: 0 }
}))
const claudeStreams = streamsOf(toAnthropicEvents)

const flavor = { candidate: { text: {}, call: {} }, usage: {}, response: {}, failure: {} }
const geminiReplies = repliesOf((ending) => ({
  candidates: [{ index: 0, content: { role: 'model', parts: [ending === 'call' ? { functionCall: { name, args: answer.arguments }, thoughtSignature: 'c2ln' } : { text }] }, finishReason: ending === 'length' ? 'MAX_TOKENS' : 'STOP' }],
  usageMetadata: { promptTokenCount: 11, candidatesTokenCount: 7, totalTokenCount: 18 },
  modelVersion: 'gemini-2.5-flash',
  responseId: 'r-1'
}))
const geminiStreams = streamsOf((reply) => sse(toResponses(reply, flavor).map((data) => ({ data })), '\r\n'))

const openAiReplies = repliesOf((ending) => ({
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1_760_000_000,
  model: 'gpt-4o-mini-2024-07-18',
  choices: [{
    index: 0,
    logprobs: null,
    finish_reason: { text: 'stop', call: 'tool_calls', length: 'length' }[ending],
    message: { role: 'assistant', refusal: null, ...ending === 'call' ? { content: null, tool_calls: [{ id: 'callBonn1', type: 'function', function: { name, arguments: given } }] } : { content: text } }
  }],
  usage: { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 }
}))
const openAiStreams = streamsOf((reply) => sse(toAzureChunks(reply, true)))

function settingsOf (kind: string, ownKey: object = {}, more: object = {}): ProviderSettings {
  return loadProvider(kind, { keys: [{ ...key, ...ownKey }], ...more })
}

const vertexSettings = settingsOf('vertex', { vertex_key_config: { project_id: 'p', region: 'europe-west4' } })

export const vendors: readonly Vendor[] = [
  {
    name: 'anthropic',
    model: 'claude-haiku-4-5',
    settings: settingsOf('anthropic'),
    replies: claudeReplies,
    streams: claudeStreams,
    check (body) {
      checkByVersion['2023-06-01']?.(body)
      readAnthropic(body as unknown as MessagesBody)
    }
  },
  {
    name: 'vertex with claude',
    model: 'claude-haiku-4-5',
    settings: vertexSettings,
    replies: claudeReplies,
    streams: claudeStreams,
    check (body) {
      checkOnVertex(body)
      readAnthropic(body as unknown as MessagesBody)
    }
  },
  {
    name: 'bedrock',
    model: 'anthropic.claude-haiku-4-5-20251001-v1:0',
    settings: settingsOf('bedrock', { bedrock_key_config: { region: 'eu-central-1' } }),
    check: readConverse,
    streams: streamsOf(toFrames),
    replies: repliesOf((ending) => ({
      output: { message: { role: 'assistant', content: [ending === 'call' ? { toolUse: { toolUseId: 'tooluse_1', name, input: answer.arguments } } : { text }] } },
      stopReason: { text: 'end_turn', call: 'tool_use', length: 'max_tokens' }[ending],
      usage: { inputTokens: 11, outputTokens: 7, totalTokens: 18 },
      metrics: { latencyMs: 1 }
    }))
  },
  {
    name: 'gemini',
    model: 'gemini-2.5-flash',
    settings: settingsOf('gemini'),
    replies: geminiReplies,
    streams: geminiStreams,
    check (body) {
      checkGemini(body)
      readGenerate(body as unknown as GenerateBody)
    }
  },
  {
    name: 'vertex with gemini',
    model: 'gemini-2.5-flash',
    settings: vertexSettings,
    replies: geminiReplies,
    streams: geminiStreams,
    check (body) {
      checkVertex(body)
      readGenerate(body as unknown as GenerateBody)
    }
  },
  {
    name: 'cohere',
    model: 'command-a-03-2025',
    settings: settingsOf('cohere'),
    check: readCohere,
    streams: streamsOf((reply) => [...sse(toCohereEvents(reply)), 'data: [DONE]\n\n']),
    replies: repliesOf((ending) => ({
      id: 'c-1',
      finish_reason: { text: 'COMPLETE', call: 'TOOL_CALL', length: 'MAX_TOKENS' }[ending],
      message: { role: 'assistant', ...ending === 'call' ? { tool_calls: [{ id: 'weather_1', type: 'function', function: { name, arguments: given } }] } : { content: [{ type: 'text', text }] } },
      usage: { billed_units: { input_tokens: 3, output_tokens: 5 }, tokens: { input_tokens: 11, output_tokens: 7 } }
    }))
  },
  { name: 'mistral', model: 'mistral-small-latest', settings: settingsOf('mistral'), check: readMistral, replies: openAiReplies, streams: streamsOf((reply) => sse(toMistralChunks(reply))) },
  {
    name: 'ollama',
    model: 'llama3.2',
    settings: loadProvider('ollama', { keys: [{ ...key, value: '', ollama_key_config: { url: 'http://127.0.0.1:11434', native: true } }] }),
    check: readOllama,
    streams: streamsOf((reply) => toLines(reply).map((line) => `${JSON.stringify(line)}\n`)),
    replies: repliesOf((ending) => ({
      model: 'llama3.2',
      created_at: '2026-08-13T12:11:45.201398Z',
      done: true,
      done_reason: ending === 'length' ? 'length' : 'stop',
      prompt_eval_count: 11,
      eval_count: 7,
      message: ending === 'call' ? { role: 'assistant', content: '', tool_calls: [{ function: { name, arguments: answer.arguments } }] } : { role: 'assistant', content: text }
    }))
  },
  { name: 'azure', model: 'gpt-4o-mini', settings: settingsOf('azure', { azure_key_config: { endpoint: 'https://a.example.com', api_version: '2024-10-21' } }), check: null, replies: openAiReplies, streams: openAiStreams },
  { name: 'openai', model: 'gpt-4o-mini', settings: settingsOf('openai'), check: null, replies: openAiReplies, streams: openAiStreams }
]
