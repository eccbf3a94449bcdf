import { isRecord } from './invalid-request.ts'

/** Chat has the members of a citation in an object of its own, the Responses API beside the type. */
export function toChatAnnotation (annotation: unknown): unknown {
  if (!isRecord(annotation) || annotation['type'] !== 'url_citation' || isRecord(annotation['url_citation'])) return annotation
  const { type, ...citation } = annotation
  return { type, url_citation: citation }
}

export function fromChatAnnotation (annotation: unknown): unknown {
  if (!isRecord(annotation) || !isRecord(annotation['url_citation'])) return annotation
  return { type: annotation['type'], ...annotation['url_citation'] }
}
