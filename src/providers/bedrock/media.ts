import type { AudioPart, FilePart, ImagePart } from '../../api/chat.ts'
import type { MediaReference } from '../../api/media-reference.ts'
import { invalid } from './invalid.ts'
import type { ContentBlock } from './wire.ts'

const imageFormats: Readonly<Record<string, string>> = { 'image/png': 'png', 'image/jpeg': 'jpeg', 'image/jpg': 'jpeg', 'image/gif': 'gif', 'image/webp': 'webp' }
const documentFormats: Readonly<Record<string, string>> = {
  'application/pdf': 'pdf',
  'text/csv': 'csv',
  'application/msword': 'doc',
  'application/vnd.openxmlformats-officedocument.wordprocessingml.document': 'docx',
  'application/vnd.ms-excel': 'xls',
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet': 'xlsx',
  'text/html': 'html',
  'text/plain': 'txt',
  'text/markdown': 'md'
}
const documentExtensions: ReadonlySet<string> = new Set(Object.values(documentFormats))
/** Of the documents, what a web server may be asked for. */
const fetchedDocuments = ['application/pdf', 'text/plain']
const fetchedImages = Object.keys(imageFormats).filter((type) => type !== 'image/jpg')
const dataUrl = /^data:([^;,]*)[^,]*?;base64,/

/** Bedrock fetches nothing. */
export function fetchedTypes ({ kind }: MediaReference): readonly string[] {
  return kind === 'image' ? fetchedImages : fetchedDocuments
}

/** @param path of the part in the client's request */
export function toImageBlock ({ image_url: image }: ImagePart, path: string): ContentBlock {
  const { mediaType, bytes } = readDataUrl(image.url, `${path}.image_url`)
  const format = imageFormats[mediaType]
  if (format === undefined) throw invalid(`${path}.image_url`, `${path}.image_url is of type ${mediaType === '' ? '(none)' : mediaType}; Bedrock takes ${Object.keys(imageFormats).join(', ')}.`)
  return { image: { format, source: { bytes } } }
}

export function toAudioBlock ({ input_audio: audio }: AudioPart): ContentBlock {
  return { audio: { format: audio.format, source: { bytes: audio.data } } }
}

/** @param names of the documents so far: Bedrock wants each of them once in a request */
export function toDocumentBlock ({ file }: FilePart, path: string, names: Set<string>): ContentBlock {
  if (file.file_data === undefined) throw invalid(`${path}.file`, `${path}.file must be a data URL in file_data: Bedrock fetches no files${file.file_id === undefined ? '' : ' and keeps none'}.`)
  const { mediaType, bytes } = readDataUrl(file.file_data, `${path}.file.file_data`)
  const [, stem = file.filename ?? '', extension = ''] = /^(.*)\.([^.]+)$/.exec(file.filename ?? '') ?? []
  const format = documentFormats[mediaType] ?? (documentExtensions.has(extension.toLowerCase()) ? extension.toLowerCase() : undefined)
  if (format === undefined) throw invalid(`${path}.file`, `${path}.file is of type ${mediaType === '' ? '(none)' : mediaType}; Bedrock takes ${[...documentExtensions].join(', ')}.`)
  return { document: { format, name: toUniqueName(stem, names), source: { bytes } } }
}

/** Letters, digits, single spaces, hyphens, parentheses and brackets are all that a name may have. */
function toUniqueName (stem: string, names: Set<string>): string {
  const plain = stem.replace(/[^A-Za-z0-9()[\]-]+/g, ' ').trim().slice(0, 190) || 'document'
  let name = plain
  for (let count = 2; names.has(name); count++) name = `${plain} ${count}`
  names.add(name)
  return name
}

function readDataUrl (url: string, param: string): { mediaType: string, bytes: string } {
  const match = dataUrl.exec(url)
  if (match === null) throw invalid(param, `${param} must be a base64 data URL: Bedrock takes bytes and fetches no URL.`)
  return { mediaType: (match[1] as string).toLowerCase(), bytes: url.slice(match[0].length) }
}
