import type { MediaReference } from '../../api/media-reference.ts'
import { mediaTypeOf } from './media.ts'

const images = ['image/png', 'image/jpeg', 'image/webp', 'image/heic', 'image/heif']
const files = [...images, 'application/pdf', 'text/plain']
/** Google's own files, which need the key, and videos of YouTube, which only Google can get. */
const googles = /^https:\/\/(?:generativelanguage\.googleapis\.com|(?:www\.|m\.)?youtube\.com|youtu\.be)\//i

/**
 * Gemini fetches `https:` when it is told the media type, so the gateway gets what has no extension that says it, and `http:`.
 * @param fetchesUrls false for models that only take bytes
 */
export function fetchedTypes ({ kind, url, filename }: MediaReference, fetchesUrls: boolean): readonly string[] | null {
  if (googles.test(url)) return null
  const wanted = kind === 'image' ? images : files
  const type = mediaTypeOf(filename ?? '') ?? mediaTypeOf(url.replace(/[?#].*$/s, ''))
  if (type === null) return wanted
  return (fetchesUrls && /^https:/i.test(url)) || !wanted.includes(type) ? null : wanted
}

/** Of the Gemini API. It takes addresses since Gemini 2.5, but none of a 2.0. */
export function fetchesUrls (model: string): boolean {
  return !/gemini-(?:1\.|2\.0)|gemma/.test(model)
}
