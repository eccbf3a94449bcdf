import { expected } from '../cells.ts'
import { quick } from '../fake-provider.ts'
import type { FakeProvider } from '../fake-provider.ts'
import { json, Refusal, sse, startFakeServer } from '../fake-server.ts'
import type { FakeAnswer, FakeRequest } from '../fake-server.ts'
import { checkByVersion } from './anthropic-schema.ts'
import type { Block, MessagesBody } from './anthropic-schema.ts'
import { argumentPieces, piecesOf, replyTo } from './reply.ts'
import type { Asked, Reply } from './reply.ts'

const key = 'sk-ant-main'
const inputUsage = { input_tokens: expected.usage.inputTokens, cache_creation_input_tokens: 0, cache_read_input_tokens: 0 }
const cacheCreation = { cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 } }
const tier = { service_tier: 'standard', inference_geo: 'not_available' }
const envelope = { model: 'claude-haiku-4-5-20251001', id: 'msg_011CeCGmD8uwD58unxgBN8Qx', type: 'message', role: 'assistant' }

export const anthropicProvider: FakeProvider = {
  name: 'anthropic',
  model: 'claude-haiku-4-5',
  embeddingModel: '',
  lacks: ['embeddings'],
  start: (owner) => startFakeServer(owner, answerAnthropic),
  toConfig: ({ url }) => ({ keys: [{ name: 'main', value: key, models: ['*'] }], network_config: { base_url: url, ...quick } })
}

function answerAnthropic ({ method, path, headers, body }: FakeRequest): FakeAnswer {
  if (method !== 'POST' || !/^\/v1\/messages(\?beta=true)?$/.test(path)) throw new Refusal(`no such path: ${method}`)
  if (headers['x-api-key'] !== key && headers.authorization !== `Bearer ${key}`) throw new Refusal('invalid x-api-key')
  if (headers['content-type']?.startsWith('application/json') !== true) throw new Refusal(`content-type is ${String(headers['content-type'])}`)
  const check = checkByVersion[String(headers['anthropic-version'])]
  if (check === undefined) throw new Refusal(`anthropic-version is ${String(headers['anthropic-version'])}`)
  check(body)
  const request = body as unknown as MessagesBody
  const reply = replyTo(readAnthropic(request))
  if (reply.kind === 'failure') {
    return json({ type: 'error', error: { type: 'rate_limit_error', message: expected.errorMessage }, request_id: 'req_011CeCGmBjaWkq37Sf5iU7so' }, 429, { 'request-id': 'req_011CeCGmBjaWkq37Sf5iU7so', 'x-should-retry': 'true', 'retry-after': '0' })
  }
  if (request.stream === true) return { contentType: 'text/event-stream; charset=utf-8', headers: { 'request-id': 'req_1' }, chunks: toAnthropicEvents(reply) }
  return json(toAnthropicMessage(reply), 200, { 'request-id': 'req_1' })
}

export function toAnthropicMessage (reply: Exclude<Reply, { kind: 'failure' }>): object {
  return {
    ...envelope,
    content: [reply.kind === 'text' ? { type: 'text', text: reply.text } : toolUseOf(reply, reply.arguments)],
    ...endOf(reply),
    usage: { ...inputUsage, ...cacheCreation, output_tokens: expected.usage.outputTokens, ...tier }
  }
}

/** @throws Refusal for what the schema cannot say */
export function readAnthropic ({ messages, thinking, tools = [], tool_choice: choice, output_config: output }: MessagesBody): Asked {
  const turns = messages.map(({ role, content }) => ({ role, blocks: typeof content === 'string' ? [{ type: 'text' as const, text: content }] : content }))
  // The vendor joins neighbours of one role, but not over results of tools; no translation has a reason to send them. Either role may
  // be the first (anthropics/anthropic-sdk-typescript#622).
  for (const [index, { role }] of turns.entries()) {
    if (role === turns[index - 1]?.role) throw new Refusal(`messages.${index}: the role is ${role}`)
  }
  checkLast(turns.at(-1), thinking !== undefined && thinking.type !== 'disabled')
  let results: Asked['results'] = []
  for (const [index, { blocks }] of turns.entries()) results = checkResults(blocks, turns[index - 1]?.blocks ?? [], index)
  if (turns.at(-1)?.blocks.some(isToolUse) === true) throw new Refusal('`tool_use` ids were found without `tool_result` blocks immediately after')
  if (tools.length === 0 && turns.some(({ blocks }) => blocks.some((block) => isToolUse(block)))) throw new Refusal('Requests which include `tool_use` or `tool_result` blocks must define tools')
  if (new Set(tools.map(({ name }) => name)).size < tools.length) throw new Refusal('tools: Tool names must be unique.')
  if (choice !== undefined && tools.length === 0) throw new Refusal('tool_choice may only be specified while providing tools')
  if (choice?.type === 'tool' && !tools.some(({ name }) => name === choice.name)) throw new Refusal(`Tool '${String(choice.name)}' not found in provided tools`)
  return {
    said: (turns.findLast(({ role }) => role === 'user')?.blocks ?? []).map((block) => block.type === 'text' ? block.text : '').join(''),
    results,
    tools: tools.map(({ name, input_schema: schema }) => ({ name, schema })),
    format: output?.format?.schema,
    forced: choice?.type === 'tool' ? choice.name : choice?.type === 'any' ? tools[0]?.name : undefined
  }
}

/** What a model that goes on from the assistant's last words does not go on from (n8n-io/n8n#22550, tailcallhq/forgecode#1853). */
function checkLast (turn: { role: string, blocks: readonly Block[] } | undefined, isThinking: boolean): void {
  if (turn?.role !== 'assistant') return
  const isThought = ({ type }: Block): boolean => type === 'thinking' || type === 'redacted_thinking'
  if (isThinking && turn.blocks[0] !== undefined && !isThought(turn.blocks[0])) throw new Refusal('Expected `thinking` or `redacted_thinking`. When `thinking` is enabled, a final `assistant` message must start with a thinking block')
  if (!isThinking && turn.blocks.some(isThought)) throw new Refusal('When thinking is disabled, an `assistant` message in the final position cannot contain `thinking`.')
}

/** Every call of the turn before has its one result in this turn, and results come before anything else. */
function checkResults (blocks: readonly Block[], before: readonly Block[], index: number): Asked['results'] {
  const calls = new Map(before.filter(isToolUse).map((call) => [call.id, call]))
  const results: Asked['results'][number][] = []
  for (const [place, block] of blocks.entries()) {
    if (block.type !== 'tool_result') continue
    if (blocks[place - 1] !== undefined && blocks[place - 1]?.type !== 'tool_result') throw new Refusal(`messages.${index}.content.${place}: results of tools come first`)
    const call = calls.get(block.tool_use_id)
    if (call === undefined) throw new Refusal(`messages.${index}.content.${place}: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${block.tool_use_id}`)
    calls.delete(call.id)
    results.push({ name: call.name, arguments: call.input, content: block.content })
  }
  if (calls.size > 0) throw new Refusal(`messages.${index - 1}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${[...calls.keys()].join(', ')}`)
  return results
}

function isToolUse (block: Block): block is Block & { type: 'tool_use' } {
  return block.type === 'tool_use'
}

function toolUseOf ({ name }: { name: string }, input: object): object {
  return { type: 'tool_use', id: 'toolu_01MKSN7NHsBVKr7Jvw5pqCQq', name, input, caller: { type: 'direct' } }
}

function endOf ({ kind }: Reply): object {
  return { stop_reason: kind === 'text' ? 'end_turn' : 'tool_use', stop_sequence: null, stop_details: null }
}

/** The order of real streams: a ping after the first start, an empty first piece of arguments, counts that replace, blanks before each last brace. */
export function toAnthropicEvents (reply: Exclude<Reply, { kind: 'failure' }>): string[] {
  const deltas = reply.kind === 'text'
    ? piecesOf(reply.text).map((piece) => ({ type: 'text_delta', text: piece }))
    : ['', ...argumentPieces(reply.arguments)].map((piece) => ({ type: 'input_json_delta', partial_json: piece }))
  const events = [
    { type: 'message_start', message: { ...envelope, content: [], stop_reason: null, stop_sequence: null, stop_details: null, usage: { ...inputUsage, ...cacheCreation, output_tokens: 1, ...tier } } },
    { type: 'content_block_start', index: 0, content_block: reply.kind === 'text' ? { type: 'text', text: '' } : toolUseOf(reply, {}) },
    { type: 'ping' },
    ...deltas.map((delta) => ({ type: 'content_block_delta', index: 0, delta })),
    { type: 'content_block_stop', index: 0 },
    { type: 'message_delta', delta: endOf(reply), usage: { ...inputUsage, output_tokens: expected.usage.outputTokens } },
    { type: 'message_stop' }
  ]
  return sse(events.map((event, index) => ({ name: event.type, data: event.type === 'ping' ? '{"type": "ping"}' : `${JSON.stringify(event).slice(0, -1)}${' '.repeat(index % 5 * 3)}}` })))
}
