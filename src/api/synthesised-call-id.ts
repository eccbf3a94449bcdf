/**
 * Gemini's function calls mostly come without an id, and every other API needs one. Ids that were made up here carry this prefix, so that
 * they never go back to an API that did not give them. At most 40 characters, since OpenAI takes no longer ones.
 */
const prefix = 'gemini_'
const originCharactersMax = 27

/**
 * @param origin what makes the answer unique, for instance its id; empty when it has none
 * @param ordinal unique within the origin
 */
export function synthesiseCallId (origin: string, ordinal: number): string {
  const safe = origin.replace(/[^A-Za-z0-9_-]/g, '').slice(0, originCharactersMax)
  return safe === '' ? `${prefix}${ordinal}` : `${prefix}${safe}_${ordinal}`
}

export function isSynthesisedCallId (id: string): boolean {
  return id.startsWith(prefix)
}
