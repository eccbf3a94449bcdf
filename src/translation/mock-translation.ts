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
  const dialect = chatDialectOf(job.dialect, job.operation, bodyOf(job))
  return new TranslatedStream(new OpenAiChatDecoder(provider), dialect.createChatEncoder(toRequest(job), toContext(job)))
}

/** The job in OpenAI's words, as far as the mock reads it. */
export function toMockJob (job: JobFrame): JobFrame {
  if (job.dialect === 'openai' || job.operation !== 'embedding') return job
  const body = bodyOf(job)
  return { ...job, body: Buffer.from(JSON.stringify(embeddingDialectOf(job.dialect, body).toEmbeddingRequest(body, job.model))) }
}

/** @param body the answer in OpenAI's words */
export function toClientBody (job: JobFrame, body: Buffer): Buffer {
  if (job.dialect === 'openai') return body
  const reply = JSON.parse(body.toString('utf8')) as unknown
  const asked = bodyOf(job)
  const embedding = job.operation === 'embedding' ? embeddingDialectOf(job.dialect, asked) : null
  const answer = embedding !== null
    ? embedding.fromEmbeddingReply(reply as EmbeddingReply, embedding.toEmbeddingRequest(asked, job.model), toContext(job))
    : chatDialectOf(job.dialect, job.operation, asked).fromChatReply(reply as ChatReply, toRequest(job), toContext(job))
  return Buffer.from(JSON.stringify(answer))
}

function toRequest (job: JobFrame): ChatRequest {
  const body = bodyOf(job)
  return chatDialectOf(job.dialect, job.operation, body).toChatRequest(body, job.model, job.stream)
}

function bodyOf (job: JobFrame): JsonObject {
  return JSON.parse(job.body.toString('utf8')) as JsonObject
}

function toContext (job: JobFrame): AnswerContext {
  // The mock's own answer says when it was made and what its name is.
  return { model: job.model, nowSeconds: 0, newId: () => `mock${job.id}`, includeUsage: true, extraFields: '', jsonArray: job.jsonArray }
}
