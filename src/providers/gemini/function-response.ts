import type { JsonObject, ToolMessage } from '../../api/chat.ts'
import type { ModelTraits } from './models.ts'
import type { FunctionResponse, Part } from './wire.ts'

/**
 * A tool's answer. Gemini wants an object: that of the text where it is the JSON text of one, else one with the text as `result`; `error`
 * where the tool failed.
 * @param parts what the message holds
 * @returns also the media that have no place inside the answer
 */
export function toFunctionResponse (message: ToolMessage, parts: readonly Part[], id: string | null, name: string, traits: ModelTraits): { answer: FunctionResponse, media: Part[] } {
  const text = parts.map((part) => part.text ?? '').join('')
  const media = parts.filter((part) => part.text === undefined)
  const value = parse(text)
  const response: JsonObject = message.is_error === true ? { error: value ?? text } : isRecord(value) ? value : { result: value ?? text }
  return {
    answer: { ...id === null ? {} : { id }, name, response, ...traits.isThird && media.length > 0 ? { parts: media } : {} },
    media: traits.isThird ? [] : media
  }
}

/** @returns undefined when it is no JSON object or array */
function parse (text: string): unknown {
  if (!/^\s*[[{]/.test(text)) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isRecord (value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
