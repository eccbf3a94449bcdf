import type { ChatUsage, JsonObject } from './chat.ts'

/** A file that came with a form. */
export interface MediaFile {
  name: string
  /** Empty when the client did not say. */
  contentType: string
  bytes: Buffer
}

/** `POST /v1/images/generations`, `/edits` or `/variations`; `options` are OpenAI's other members, of a form as text. */
export interface ImageRequest {
  operation: 'image_generation' | 'image_edit' | 'image_variation'
  model: string
  /** Empty for a variation. */
  prompt: string
  images: readonly MediaFile[]
  mask: MediaFile | null
  options: JsonObject
}

export interface ImageReply {
  /** Seconds since 1970; 0: the provider did not say. */
  created: number
  data: { b64_json?: string, url?: string, revised_prompt?: string }[]
  output_format?: string
  usage?: ChatUsage
}

/** `POST /v1/audio/speech`. */
export interface SpeechRequest {
  model: string
  input: string
  options: JsonObject
}

export interface Sound {
  contentType: string
  bytes: Uint8Array
  usage: ChatUsage | null
}

/** `POST /v1/audio/transcriptions` or `/translations`; `options` are the other fields of the form. */
export interface TranscriptionRequest {
  operation: 'transcription' | 'translation'
  model: string
  file: MediaFile
  options: Readonly<Record<string, string>>
}

export interface TranscriptionReply {
  text: string
  usage: ChatUsage | null
}
