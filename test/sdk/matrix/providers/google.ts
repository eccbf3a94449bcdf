import { expected } from '../cells.ts'
import { json, Refusal, sse } from '../fake-server.ts'
import type { FakeAnswer } from '../fake-server.ts'
import type { GenerateBody, Part } from './google-schema.ts'
import { piecesOf, replyTo } from './reply.ts'
import type { Asked, Reply } from './reply.ts'

/** The opaque token that Gemini puts on its calls. Who sends one back sends this one, or Google's word for histories of other models. */
const signature = 'CiQBEU0yD1hCYiUoRFyerO7xltRNYWnI'
const signatures = [signature, 'skip_thought_signature_validator', Buffer.from('skip_thought_signature_validator').toString('base64')]

/** What differs between the Gemini API and Vertex AI. */
export interface GoogleFlavor {
  /** Members of a candidate, by what it says. */
  candidate: { text: object, call: object }
  usage: object
  response: object
  failure: object
}

/** `alt` as in the query; null for one answer, an empty text for a stream as one JSON array. */
export function answerGenerate (body: GenerateBody, alt: string | null, flavor: GoogleFlavor): FakeAnswer {
  const reply = replyTo(readGenerate(body))
  if (reply.kind === 'failure') return json({ error: { code: 429, message: expected.errorMessage, status: 'RESOURCE_EXHAUSTED', ...flavor.failure } }, 429)
  const all = toResponses(reply, flavor)
  if (alt === null) return json(toResponse([partOf(reply)], expected.usage.outputTokens, true, reply.kind, flavor))
  if (alt === 'sse') return { contentType: 'text/event-stream', chunks: sse(all.map((data) => ({ data })), '\r\n') }
  if (alt !== '' && alt !== 'json') throw new Refusal(`alt is ${alt}`)
  return { contentType: 'application/json; charset=UTF-8', chunks: all.map((response, index) => `${index === 0 ? '[' : ',\r\n'}${JSON.stringify(response)}${index === all.length - 1 ? ']' : ''}`) }
}

/** @throws Refusal for what the schema cannot say */
export function readGenerate ({ contents, tools = [], toolConfig, generationConfig = {} }: GenerateBody): Asked {
  const declarations = tools.flatMap(({ functionDeclarations }) => functionDeclarations)
  const { responseMimeType, responseSchema, responseJsonSchema } = generationConfig
  const format = responseSchema ?? responseJsonSchema
  if (responseSchema !== undefined && responseJsonSchema !== undefined) throw new Refusal('only one of response_schema and response_json_schema may be set')
  if (format !== undefined && responseMimeType !== 'application/json') throw new Refusal('response_schema needs response_mime_type application/json')
  if (responseMimeType === 'application/json' && declarations.length > 0) throw new Refusal('Function calling with a response mime type: \'application/json\' is unsupported')
  const calling = toolConfig?.functionCallingConfig
  if (calling?.allowedFunctionNames !== undefined && !['ANY', 'VALIDATED'].includes(calling.mode ?? '')) throw new Refusal('allowed_function_names needs the mode ANY')
  // Gemini 2.5, of which these fakes are, goes on from a last turn of the model (LibreChat-AI/agents#323 asked it).
  if (contents.at(-1)?.parts.some(({ functionCall }) => functionCall !== undefined) === true) throw new Refusal('the last turn calls functions')
  // Of calls Google says so (archestra-ai/archestra#6258), of texts only some who use it do (NousResearch/hermes-agent#55427).
  if (contents[0]?.role === 'model') throw new Refusal('the first turn is the model\'s')
  let results: Asked['results'] = []
  for (const [index, { role, parts }] of contents.entries()) results = checkTurn(role ?? 'user', parts, contents[index - 1]?.parts ?? [])
  return {
    said: (contents.findLast(({ role, parts }) => role !== 'model' && parts.some((part) => part.text !== undefined))?.parts ?? []).map((part) => part.text ?? '').join(''),
    results,
    tools: declarations.map(({ name, parameters, parametersJsonSchema }) => ({ name, schema: parameters ?? parametersJsonSchema })),
    format,
    forced: calling?.mode === 'ANY' ? (calling.allowedFunctionNames ?? declarations.map(({ name }) => name))[0] : undefined
  }
}

/** Responses stand in a turn of the user directly after their calls, as many as those and in their order. */
function checkTurn (role: string, parts: readonly Part[], before: readonly Part[]): Asked['results'] {
  const given = parts.flatMap(({ functionResponse }) => functionResponse ?? [])
  const calls = before.flatMap(({ functionCall }) => functionCall ?? [])
  if (role === 'model' ? given.length > 0 : parts.some(({ functionCall }) => functionCall !== undefined)) throw new Refusal(`a part of a function stands in a turn of the role ${role}`)
  if (given.length !== calls.length) throw new Refusal('Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn.')
  for (const { thoughtSignature } of parts) {
    if (thoughtSignature !== undefined && !signatures.includes(thoughtSignature)) throw new Refusal('Corrupted thought signature.')
  }
  return given.map(({ name, response, id }, index) => {
    const call = calls[index]
    if (call?.name !== name) throw new Refusal(`the function response is of ${name}, the call of ${String(call?.name)}`)
    if (id !== undefined && call.id !== undefined && id !== call.id) throw new Refusal(`the function response has the id ${id}, the call ${call.id}`)
    return { name, arguments: call.args, content: response }
  })
}

function partOf (reply: Exclude<Reply, { kind: 'failure' }>): Part {
  return reply.kind === 'text' ? { text: reply.text } : { functionCall: { name: reply.name, args: reply.arguments }, thoughtSignature: signature }
}

/** Pieces of text with counts so far in each, the reason on the last; a call comes whole. */
export function toResponses (reply: Exclude<Reply, { kind: 'failure' }>, flavor: GoogleFlavor): object[] {
  if (reply.kind === 'call') return [toResponse([partOf(reply)], expected.usage.outputTokens, true, 'call', flavor)]
  const pieces = piecesOf(reply.text)
  return pieces.map((piece, index) => {
    const last = index === pieces.length - 1
    return toResponse([{ text: piece }], last ? expected.usage.outputTokens : index + 1, last, 'text', flavor)
  })
}

/** The reason is STOP for calls too. */
function toResponse (parts: Part[], outputTokens: number, last: boolean, kind: 'text' | 'call', { candidate, usage, response }: GoogleFlavor): object {
  return {
    candidates: [{ content: { parts, role: 'model' }, ...last ? { finishReason: 'STOP' } : {}, ...candidate[kind] }],
    usageMetadata: {
      promptTokenCount: expected.usage.inputTokens, candidatesTokenCount: outputTokens, totalTokenCount: expected.usage.inputTokens + outputTokens, promptTokensDetails: [{ modality: 'TEXT', tokenCount: expected.usage.inputTokens }], ...usage
    },
    modelVersion: 'gemini-2.5-flash',
    ...response,
    responseId: 'Ub-FarbpCtHmnsEP--XY8Qg'
  }
}
