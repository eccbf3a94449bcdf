import type { JsonObject } from '../../api/chat.ts'

/** What a client says or gets; names in camel case, see `members.ts`. */
export interface Part {
  text?: string
  thought?: boolean
  /** Base64. */
  thoughtSignature?: string
  inlineData?: { mimeType?: string, data?: string }
  fileData?: { mimeType?: string, fileUri?: string }
  functionCall?: { id?: string, name?: string, args?: JsonObject }
  functionResponse?: { id?: string, name?: string, response?: JsonObject, parts?: unknown[] }
  [member: string]: unknown
}

export interface Content { role: 'user' | 'model', parts: Part[] }
