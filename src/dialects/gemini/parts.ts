import type { ContentPart } from '../../api/chat.ts'
import { invalidRequest, membersOf } from './members.ts'
import type { Part } from './wire.ts'

/** A part with its data members in camel case. */
export function toPart (value: unknown, path: string): Part {
  const part = membersOf(value, path)
  for (const name of ['inlineData', 'fileData', 'functionCall', 'functionResponse']) {
    if (part[name] !== undefined) part[name] = membersOf(part[name], `${path}.${name}`)
  }
  return part
}

/** What a part says, but for calls and answers of functions and for thoughts. */
export function toContentParts (part: Part, path: string): ContentPart[] {
  const signed = part.thoughtSignature === undefined ? {} : { extra_content: { google: { thought_signature: part.thoughtSignature } } }
  if (typeof part.text === 'string') return part.text === '' && part.thoughtSignature === undefined ? [] : [{ type: 'text', text: part.text, ...signed }]
  if (part.inlineData !== undefined) return [{ ...fromInlineData(part.inlineData, `${path}.inlineData`), ...signed }]
  if (part.fileData !== undefined) return [fromFileData(part.fileData, `${path}.fileData`)]
  // Code that ran, searches: only Gemini knows what to do with it.
  return [{ type: 'opaque', dialect: 'gemini', value: part }]
}

function fromInlineData ({ mimeType, data }: NonNullable<Part['inlineData']>, path: string): ContentPart {
  if (typeof mimeType !== 'string' || typeof data !== 'string') throw invalidRequest(path, `${path} must have mimeType and data.`)
  const url = `data:${mimeType};base64,${data}`
  if (mimeType.startsWith('image/')) return { type: 'image_url', image_url: { url } }
  if (mimeType.startsWith('audio/')) return { type: 'input_audio', input_audio: { data, format: audioFormat(mimeType) } }
  return { type: 'file', file: { file_data: url } }
}

function audioFormat (mimeType: string): string {
  const format = mimeType.slice('audio/'.length).split(';')[0] as string
  return format === 'mpeg' ? 'mp3' : format.replace(/^x-/, '')
}

function fromFileData ({ mimeType = '', fileUri }: NonNullable<Part['fileData']>, path: string): ContentPart {
  if (typeof fileUri !== 'string') throw invalidRequest(`${path}.fileUri`, `${path}.fileUri is required.`)
  // What was uploaded to Google, nobody else can read.
  if (/^(?:https:\/\/generativelanguage\.googleapis\.com\/|gs:)/.test(fileUri)) return { type: 'file', file: { file_id: fileUri } }
  return mimeType.startsWith('image/') ? { type: 'image_url', image_url: { url: fileUri } } : { type: 'file', file: { file_url: fileUri } }
}
