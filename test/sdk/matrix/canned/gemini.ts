import { expected } from '../cells.ts'
import { json, Refusal, sse } from '../fake-server.ts'
import type { FakeAnswer, FakeRequest } from '../fake-server.ts'
import { askedOf, models, requireSame, textFor, toWords } from './asked.ts'
import type { Asked } from './asked.ts'

const root = '/genai/v1beta/models'
const usageMetadata = { promptTokenCount: expected.usage.inputTokens, candidatesTokenCount: expected.usage.outputTokens, totalTokenCount: 18 }
const call = { functionCall: { name: expected.toolName, args: expected.toolArguments } }

export function answerAsGemini ({ path, headers, body }: FakeRequest): FakeAnswer {
  requireSame('x-goog-api-key', headers['x-goog-api-key'], 'client-key')
  if (path === `${root}/${models.embeddingModel}:batchEmbedContents`) {
    const requests = body['requests'] as { model: string, content: { parts: { text: string }[] } }[]
    requireSame('requests', requests.map(({ model, content }) => [model, content.parts[0]?.text]), expected.embeddingInputs.map((input) => [`models/${models.embeddingModel}`, input]))
    return json({ embeddings: expected.embeddings.map((values) => ({ values })) })
  }
  const asked = askedOf(body)
  if (asked === 'errors') return json({ error: { code: 429, message: expected.errorMessage, status: 'RESOURCE_EXHAUSTED' } }, 429)
  if (asked === 'results') checkResult(body)
  if (path === `${root}/${models.model}:streamGenerateContent?alt=sse`) return toStream(asked)
  requireSame('path', path, `${root}/${models.model}:generateContent`)
  if (asked === 'structured') requireSame('responseMimeType', (body['generationConfig'] as { responseMimeType?: string } | undefined)?.responseMimeType, 'application/json')
  return json(toResponse(asked === 'tools' ? [call] : [{ text: textFor(asked) }], 'STOP'))
}

/** Gemini has no ids of calls: a result stands in the turn after its call, under the same name. */
function checkResult (body: Record<string, unknown>): void {
  const contents = body['contents'] as { role: string, parts: { functionCall?: { name: string }, functionResponse?: { name: string } }[] }[]
  requireSame('roles', contents.map(({ role }) => role), ['user', 'model', 'user'])
  if (contents[1]?.parts[0]?.functionCall?.name !== contents[2]?.parts[0]?.functionResponse?.name) throw new Refusal('the result is not that of the call')
}

/** A call ends with STOP, too. */
function toResponse (parts: readonly object[], finishReason?: string): object {
  return { candidates: [{ content: { parts, role: 'model' }, ...finishReason === undefined ? {} : { finishReason }, index: 0 }], usageMetadata, modelVersion: 'gemini-2.5-flash', responseId: 'response-1' }
}

function toStream (asked: Asked): FakeAnswer {
  const responses = asked === 'tools'
    ? [toResponse([call], 'STOP')]
    : [...toWords(textFor(asked)).map((text) => toResponse([{ text }])), toResponse([{ text: '' }], 'STOP')]
  return { contentType: 'text/event-stream', chunks: sse(responses.map((data) => ({ data })), '\r\n') }
}
