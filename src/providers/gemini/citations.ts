import type { GroundingMetadata } from './wire.ts'

/** What the search found, as OpenAI's `url_citation` annotations. @param text of the answer, in which Gemini counts bytes and OpenAI characters */
export function toAnnotations (grounding: GroundingMetadata | null | undefined, text: string): unknown[] {
  const chunks = grounding?.groundingChunks ?? []
  const supports = grounding?.groundingSupports ?? []
  if (!Array.isArray(chunks) || !Array.isArray(supports)) return []
  const bytes = Buffer.from(text)
  const toCharacters = (offset: number | undefined): number => bytes.toString('utf8', 0, offset ?? 0).length
  return supports.flatMap(({ segment, groundingChunkIndices: indices }) => (indices ?? []).flatMap((index) => {
    const web = chunks[index]?.web
    if (web?.uri === undefined) return []
    return [{
      type: 'url_citation',
      url_citation: { url: web.uri, title: web.title ?? '', start_index: toCharacters(segment?.startIndex), end_index: toCharacters(segment?.endIndex) }
    }]
  }))
}
