import type { ChatUsage } from '../api/chat.ts'
import { scanForm } from '../api/form-scan.ts'
import type { FormPart } from '../api/form-scan.ts'
import type { JobFrame } from '../api/job.ts'
import type { ImageRequest, MediaFile, SpeechRequest, TranscriptionRequest } from '../api/media.ts'
import { invalid } from '../api/parsed-request.ts'
import type { ProviderSettings } from '../api/settings.ts'
import { createUsage } from '../api/usage.ts'
import type { Usage } from '../api/usage.ts'
import type { AdapterReply, AdapterRequest } from '../providers/adapter.ts'
import { toUsage } from '../providers/chat-usage.ts'
import type { Family, ImageProvider, ProviderRequest, SpeechProvider, TranscriptionProvider, TranslationContext } from '../providers/family.ts'
import { RewrittenCall } from './family-call.ts'

/** OpenAI's requests for images and sound, put into a provider's words, and its answers back. */
abstract class MediaCall extends RewrittenCall {
  protected abstract translate (context: TranslationContext): ProviderRequest

  toRequest (): AdapterRequest | Promise<AdapterRequest> {
    const { url, headers, body } = this.translate(this.translation())
    // A form is answered in JSON as it goes up in JSON.
    return this.authorized(url, { 'content-type': 'application/json', accept: 'application/json', ...headers }, Buffer.from(JSON.stringify(body)))
  }

  protected toReply (answer: object, usage: ChatUsage | null | undefined): AdapterReply {
    const body = Buffer.from(JSON.stringify(answer))
    return { body, usage: toCounts(usage), spliceOffset: body.length - 1, extraFields: this.droppedFields() }
  }
}

export class ImageCall extends MediaCall {
  private readonly image: ImageProvider
  private readonly nowSeconds: () => number
  private request: ImageRequest | null = null

  constructor (family: Family, settings: ProviderSettings, job: JobFrame, image: ImageProvider, nowSeconds: () => number) {
    super(family, settings, job)
    this.image = image
    this.nowSeconds = nowSeconds
  }

  protected translate (context: TranslationContext): ProviderRequest {
    if (context.stream) throw invalid('stream', `stream must be false for ${this.settings.name}: it has images only as a whole.`)
    this.request = this.toImageRequest()
    return this.image.toImageRequest(this.request, context)
  }

  fromReply (body: Uint8Array): AdapterReply {
    const reply = this.image.fromImageReply(this.parse(body), this.request as ImageRequest)
    return this.toReply({ ...reply, created: reply.created === 0 ? this.nowSeconds() : reply.created, ...reply.usage === undefined ? {} : { usage: toImageUsage(reply.usage) } }, reply.usage)
  }

  private toImageRequest (): ImageRequest {
    const { model, contentType } = this.job
    const operation = this.job.operation as ImageRequest['operation']
    if (contentType === '') {
      const { model: _model, prompt, ...options } = this.body
      if (typeof prompt !== 'string') throw invalid('prompt', 'prompt must be text.')
      // An edit may come as JSON, with its images by id or address: nobody but OpenAI has those.
      if (operation !== 'image_generation') throw invalid('content-type', `${operation} by ${this.settings.name} takes its images as files of a multipart/form-data form.`)
      return { operation, model, prompt, images: [], mask: null, options }
    }
    const { fields, files } = readForm(this.job)
    const { model: _model, prompt = '', ...options } = fields
    return { operation, model, prompt, images: files.filter(({ name }) => name === 'image' || name === 'image[]').map(({ file }) => file), mask: files.find(({ name }) => name === 'mask')?.file ?? null, options }
  }
}

export class SpeechCall extends MediaCall {
  private readonly speech: SpeechProvider
  private request: SpeechRequest | null = null

  constructor (family: Family, settings: ProviderSettings, job: JobFrame, speech: SpeechProvider) {
    super(family, settings, job)
    this.speech = speech
  }

  protected translate (context: TranslationContext): ProviderRequest {
    if (context.stream) throw invalid('stream_format', `stream_format must be "audio" for ${this.settings.name}, not "sse".`)
    const { model: _model, input, ...options } = this.body
    if (typeof input !== 'string') throw invalid('input', 'input must be text.')
    this.request = { model: this.job.model, input, options }
    return this.speech.toSpeechRequest(this.request, context)
  }

  fromReply (body: Uint8Array): AdapterReply {
    const { bytes, contentType, usage } = this.speech.fromSpeechReply(this.parse(body), this.request as SpeechRequest)
    return { body: bytes, contentType, usage: toCounts(usage), spliceOffset: -1, extraFields: '' }
  }
}

export class TranscriptionCall extends MediaCall {
  private readonly transcription: TranscriptionProvider
  private request: TranscriptionRequest | null = null

  constructor (family: Family, settings: ProviderSettings, job: JobFrame, transcription: TranscriptionProvider) {
    super(family, settings, job)
    this.transcription = transcription
  }

  protected translate (context: TranslationContext): ProviderRequest {
    if (context.stream) throw invalid('stream', `stream must be false for ${this.settings.name}: it has transcripts only as a whole.`)
    const { fields, files } = readForm(this.job)
    const { model: _model, ...options } = fields
    const format = options['response_format'] ?? 'json'
    if (format !== 'json' && format !== 'text') throw invalid('response_format', `response_format must be json or text for ${this.settings.name}, not ${JSON.stringify(format.slice(0, 64))}.`)
    this.request = { operation: this.job.operation as TranscriptionRequest['operation'], model: this.job.model, file: (files.find(({ name }) => name === 'file') as { file: MediaFile }).file, options }
    return this.transcription.toTranscriptionRequest(this.request, context)
  }

  fromReply (body: Uint8Array): AdapterReply {
    const request = this.request as TranscriptionRequest
    const { text, usage } = this.transcription.fromTranscriptionReply(this.parse(body), request)
    if (request.options['response_format'] === 'text') return { body: Buffer.from(text), contentType: 'text/plain; charset=utf-8', usage: toCounts(usage), spliceOffset: -1, extraFields: '' }
    return this.toReply({ text, ...usage === null ? {} : { usage: toTranscriptUsage(usage) } }, usage)
  }
}

interface Form {
  fields: Record<string, string>
  files: { name: string, file: MediaFile }[]
}

function readForm ({ contentType, body }: JobFrame): Form {
  const parts = scanForm(contentType, body)
  const bytesOf = ({ valueStart, valueEnd }: FormPart): Buffer => body.subarray(valueStart, valueEnd)
  // No prototype: names come from the client.
  const fields = Object.create(null) as Record<string, string>
  for (const part of parts) if (part.fileName === null) fields[part.name] = bytesOf(part).toString('utf8')
  return { fields, files: parts.flatMap((part) => part.fileName === null ? [] : [{ name: part.name, file: { name: part.fileName, contentType: part.contentType, bytes: bytesOf(part) } }]) }
}

/** As OpenAI counts images. */
function toImageUsage (usage: ChatUsage): object {
  const { prompt_tokens_details: input, completion_tokens_details: output } = usage
  return {
    ...toSums(usage),
    ...input?.text_tokens === undefined ? {} : { input_tokens_details: { text_tokens: input.text_tokens, image_tokens: input.image_tokens ?? 0 } },
    ...output?.text_tokens === undefined ? {} : { output_tokens_details: { text_tokens: output.text_tokens, image_tokens: output.image_tokens ?? 0 } }
  }
}

/** As OpenAI counts sound. */
function toTranscriptUsage (usage: ChatUsage): object {
  const { prompt_tokens_details: input } = usage
  return { type: 'tokens', ...toSums(usage), ...input?.text_tokens === undefined ? {} : { input_token_details: { text_tokens: input.text_tokens, audio_tokens: input.audio_tokens ?? 0 } } }
}

function toSums ({ prompt_tokens: input, completion_tokens: output, total_tokens: total }: ChatUsage): object {
  return { input_tokens: input, output_tokens: output, total_tokens: total }
}

function toCounts (usage: ChatUsage | null | undefined): Usage {
  const counts = createUsage()
  if (usage !== null && usage !== undefined) toUsage(usage, counts)
  return counts
}
