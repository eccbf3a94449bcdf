import type { ContentPart, JsonObject } from '../../api/chat.ts'
import { invalidRequest, isRecord } from './invalid-request.ts'

/** The content of a message or of a tool's output: text, or parts in the canonical form. */
export function toContent (content: unknown, path: string): string | ContentPart[] {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) throw invalidRequest(path, 'must be text or an array of parts.')
  const parts = (content as unknown[]).map((part, index) => toPart(part, `${path}[${index}]`))
  const [first] = parts
  return parts.length === 1 && first?.type === 'text' ? first.text : parts
}

function toPart (part: unknown, path: string): ContentPart {
  if (!isRecord(part)) throw invalidRequest(path, 'must be an object with a type.')
  switch (part['type']) {
    case 'input_text':
    case 'output_text':
    case 'text':
      if (typeof part['text'] !== 'string') throw invalidRequest(`${path}.text`, 'must be text.')
      return { type: 'text', text: part['text'] }
    case 'refusal':
      return { type: 'refusal', refusal: String(part['refusal'] ?? '') }
    case 'input_image': return toImage(part, path)
    case 'input_file': return toFile(part, path)
    case 'input_audio':
      if (!isRecord(part['input_audio'])) throw invalidRequest(`${path}.input_audio`, 'must be an object.')
      return { type: 'input_audio', input_audio: part['input_audio'] as { data: string, format: string } }
    default:
      throw invalidRequest(`${path}.type`, `is ${JSON.stringify(part['type']) ?? 'missing'}, which only OpenAI's own API knows.`)
  }
}

function toImage (part: JsonObject, path: string): ContentPart {
  const { image_url: url, file_id: fileId, detail } = part
  if (typeof url === 'string') return { type: 'image_url', image_url: { url, ...typeof detail === 'string' ? { detail } : {} } }
  if (typeof fileId === 'string') return { type: 'file', file: { file_id: fileId } }
  throw invalidRequest(`${path}.image_url`, 'or file_id must be given.')
}

function toFile (part: JsonObject, path: string): ContentPart {
  const file: Record<string, string> = {}
  for (const name of ['filename', 'file_data', 'file_url', 'file_id']) {
    if (typeof part[name] === 'string') file[name] = part[name]
  }
  if (file['file_data'] === undefined && file['file_url'] === undefined && file['file_id'] === undefined) throw invalidRequest(path, 'must have file_data, file_url or file_id.')
  return { type: 'file', file }
}
