import type { JobFrame } from '../../api/job.ts'
import type { Operation } from '../../api/operations.ts'
import { noUsage } from '../../api/usage.ts'
import type { AdapterCall } from '../adapter.ts'
import { RelayedBytes } from '../relayed-bytes.ts'
import { contentTypeOf } from '../reply-headers.ts'
import { OpenAiMediaStream } from './media-stream.ts'
import { fromOpenAiReply } from './reply.ts'
import { OpenAiStream } from './stream.ts'

const mediaOperations: ReadonlySet<Operation> = new Set(['image_generation', 'image_edit', 'speech', 'transcription'])

/** What becomes of an answer in OpenAI's words for an OpenAI client: it goes on as it came, with `extra_fields` where those have a place. */
export function toOpenAiAnswers (provider: string, job: JobFrame): Pick<AdapterCall, 'streamFraming' | 'fromReply' | 'createStreamTranslator'> {
  return {
    streamFraming: job.relay ? 'bytes' : 'sse',
    fromReply (body, headers) {
      const contentType = contentTypeOf(headers)
      // Transcripts may be plain text or subtitles.
      if ((job.operation === 'transcription' || job.operation === 'translation') && contentType.startsWith('text/') && !contentType.startsWith('text/html')) {
        return { body, contentType, usage: noUsage, spliceOffset: -1, extraFields: '' }
      }
      const reply = fromOpenAiReply(provider, job, body)
      if (job.passthrough) reply.spliceOffset = -1
      return reply
    },
    createStreamTranslator () {
      if (job.relay) return new RelayedBytes()
      return mediaOperations.has(job.operation) ? new OpenAiMediaStream(provider) : new OpenAiStream(provider, job)
    }
  }
}
