import type { AudioPart, FilePart } from '../../api/chat.ts'
import { invalidRequest } from './invalid-request.ts'
import type { Part } from './wire.ts'

/** Media types by the extension of a file's name. */
const mediaTypes: Readonly<Record<string, string>> = {
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  webp: 'image/webp',
  heic: 'image/heic',
  heif: 'image/heif',
  gif: 'image/gif',
  pdf: 'application/pdf',
  txt: 'text/plain',
  md: 'text/markdown',
  csv: 'text/csv',
  html: 'text/html',
  json: 'application/json',
  mp3: 'audio/mp3',
  wav: 'audio/wav',
  flac: 'audio/flac',
  ogg: 'audio/ogg',
  aac: 'audio/aac',
  mp4: 'video/mp4',
  mov: 'video/quicktime',
  webm: 'video/webm',
  mpeg: 'video/mpeg'
}

/** @param name a file's name or the path of a URL */
export function mediaTypeOf (name: string): string | null {
  const extension = /\.([A-Za-z0-9]+)$/.exec(name)?.[1]?.toLowerCase()
  return extension === undefined ? null : mediaTypes[extension] ?? null
}

/** @throws GatewayError for a URL that is no data URL */
function toInlineData (url: string, path: string): Part {
  const comma = url.indexOf(',')
  const head = url.slice('data:'.length, comma)
  const mimeType = head.split(';')[0] ?? ''
  if (comma < 0 || mimeType === '') throw invalidRequest(path, `${path} must be a data URL with a media type, for instance data:image/png;base64,...`)
  const data = url.slice(comma + 1)
  return { inlineData: { mimeType, data: head.endsWith(';base64') ? data : Buffer.from(decodeURIComponent(data)).toString('base64') } }
}

/** Google fetches `https:` itself, and its own `gs:`. @param name where a media type can be read beside the URL */
function toFileData (url: string, name: string | undefined, path: string): Part {
  if (!/^(?:https|gs):\/\//i.test(url)) throw invalidRequest(path, `${path} must be a data URL or begin with https:, since Gemini fetches nothing else.`)
  const mimeType = mediaTypeOf(name ?? '') ?? mediaTypeOf(url.replace(/[?#].*$/s, ''))
  if (mimeType === null) throw invalidRequest(path, `${path} has no file extension that says its media type, which Gemini needs; known are ${Object.keys(mediaTypes).join(', ')}.`)
  return { fileData: { fileUri: url, mimeType } }
}

export function imageToPart (url: string, path: string): Part {
  return /^data:/i.test(url) ? toInlineData(url, path) : toFileData(url, undefined, path)
}

export function audioToPart (part: AudioPart, path: string): Part {
  if (typeof part.input_audio?.data !== 'string' || typeof part.input_audio.format !== 'string') throw invalidRequest(`${path}.input_audio`, `${path}.input_audio must have data and format.`)
  return { inlineData: { mimeType: `audio/${part.input_audio.format}`, data: part.input_audio.data } }
}

export function fileToPart ({ file }: FilePart, path: string): Part {
  if (typeof file?.file_data === 'string') {
    if (/^data:/i.test(file.file_data)) return toInlineData(file.file_data, `${path}.file_data`)
    const mimeType = mediaTypeOf(file.filename ?? '')
    if (mimeType === null) throw invalidRequest(`${path}.file_data`, `${path}.file_data must be a data URL, or filename must have an extension that says the media type.`)
    return { inlineData: { mimeType, data: file.file_data } }
  }
  if (typeof file?.file_url === 'string') return toFileData(file.file_url, file.filename, `${path}.file_url`)
  if (typeof file?.file_id !== 'string') throw invalidRequest(path, `${path} must have file_data, file_url or file_id.`)
  const mimeType = mediaTypeOf(file.filename ?? '')
  return { fileData: { fileUri: file.file_id, ...mimeType === null ? {} : { mimeType } } }
}
