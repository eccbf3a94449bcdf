import type { ChatRequest, ContentPart } from '../api/chat.ts'
import type { MediaReference } from '../api/media-reference.ts'
import type { FetchedFile } from './fetch-file.ts'
import type { WantedFile } from './media-fetcher.ts'

/** A part of a chat that names its bytes by an address. */
export interface ChatMedia extends WantedFile {
  message: number
  part: number
}

const webUrl = /^\s*https?:/i

/**
 * The parts that have to be fetched, in the order of the chat.
 * @param wantedTypes the media types that a provider takes as bytes in place of the reference; null when it takes the address
 */
export function findMedia ({ messages }: ChatRequest, wantedTypes: (media: MediaReference) => readonly string[] | null): ChatMedia[] {
  return messages.flatMap(({ content }, message) => !Array.isArray(content)
    ? []
    : content.flatMap((value, part) => {
      const media = referenceIn(value)
      const mediaTypes = media === null ? null : wantedTypes(media)
      if (media === null || mediaTypes === null) return []
      return [{ message, part, mediaTypes, url: media.url, param: `messages[${message}].content[${part}].${media.kind === 'image' ? 'image_url.url' : 'file.file_url'}` }]
    }))
}

/** Parts come from clients, and not every dialect has looked into all of them. */
function referenceIn (part: ContentPart): MediaReference | null {
  if (part.type === 'image_url') {
    const url: unknown = part.image_url.url
    return typeof url === 'string' && webUrl.test(url) ? { kind: 'image', url } : null
  }
  if (part.type !== 'file') return null
  const { file_url: url, file_data: data, filename } = (part.file ?? {}) as { file_url?: unknown, file_data?: unknown, filename?: unknown }
  if (typeof url !== 'string' || typeof data === 'string' || !webUrl.test(url)) return null
  return { kind: 'file', url, ...typeof filename === 'string' ? { filename } : {} }
}

/** A copy that holds the files in place of their addresses. @param files in the order of the media */
export function withBytes (request: ChatRequest, media: readonly ChatMedia[], files: readonly FetchedFile[]): ChatRequest {
  const messages = [...request.messages]
  for (const [index, { message, part }] of media.entries()) {
    const before = messages[message] as { content: ContentPart[] }
    const content = [...before.content]
    content[part] = withData(content[part] as ContentPart, files[index] as FetchedFile)
    messages[message] = { ...before, content } as ChatRequest['messages'][number]
  }
  return { ...request, messages }
}

function withData (part: ContentPart, { mediaType, bytes }: FetchedFile): ContentPart {
  const dataUrl = `data:${mediaType};base64,${bytes.toString('base64')}`
  if (part.type === 'image_url') return { ...part, image_url: { ...part.image_url, url: dataUrl } }
  if (part.type !== 'file') return part
  const { file_url: _url, ...file } = part.file
  return { ...part, file: { ...file, file_data: dataUrl } }
}
