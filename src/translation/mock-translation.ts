import type { ChatReply, ChatRequest, EmbeddingReply, JsonObject } from '../api/chat.ts'
import type { JobFrame } from '../api/job.ts'
import type { AnswerContext } from '../dialects/dialect.ts'
import { chatDialectOf, embeddingDialectOf } from '../dialects/registry.ts'
import type { StreamTranslator } from '../providers/adapter.ts'
import { OpenAiChatDecoder } from '../providers/openai/chat-decoder.ts'
import { OpenAiStream } from '../providers/openai/stream.ts'
import { TranslatedStream } from './translated-stream.ts'

/** The mock says everything in OpenAI's words; a client of another dialect gets it in its own, as from any provider. */
export function createMockTranslator (provider: string, job: JobFrame): StreamTranslator {
  if (job.dialect === 'openai') return new OpenAiStream(provider, job)
  const dialect = chatDialectOf(job.dialect, job.operation)
  return new TranslatedStream(new OpenAiChatDecoder(provider), dialect.createChatEncoder(toRequest(job), toContext(job)))
}

/** The job in OpenAI's words, as far as the mock reads it. */
export function toMockJob (job: JobFrame): JobFrame {
  if (job.dialect === 'openai' || job.operation !== 'embedding') return job
  return { ...job, body: Buffer.from(JSON.stringify(embeddingDialectOf(job.dialect).toEmbeddingRequest(bodyOf(job), job.model))) }
}

/** @param body the answer in OpenAI's words */
export function toClientBody (job: JobFrame, body: Buffer): Buffer {
  if (job.dialect === 'openai') return body
  const reply = JSON.parse(body.toString('utf8')) as unknown
  const answer = job.operation === 'embedding'
    ? embeddingDialectOf(job.dialect).fromEmbeddingReply(reply as EmbeddingReply, embeddingDialectOf(job.dialect).toEmbeddingRequest(bodyOf(job), job.model), toContext(job))
    : chatDialectOf(job.dialect, job.operation).fromChatReply(reply as ChatReply, toRequest(job), toContext(job))
  return Buffer.from(JSON.stringify(answer))
}

function toRequest (job: JobFrame): ChatRequest {
  return chatDialectOf(job.dialect, job.operation).toChatRequest(bodyOf(job), job.model, job.stream)
}

function bodyOf (job: JobFrame): JsonObject {
  return JSON.parse(job.body.toString('utf8')) as JsonObject
}

function toContext (job: JobFrame): AnswerContext {
  // The mock's own answer says when it was made and what its name is.
  return { model: job.model, nowSeconds: 0, newId: () => `mock${job.id}`, includeUsage: true, extraFields: '', jsonArray: job.jsonArray }
}
