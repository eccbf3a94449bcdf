import type { JsonMember, JsonScan } from './json-scan.ts'
import type { ParsedRequest } from './parsed-request.ts'

/** A change to the client's bytes: `start` to `end` becomes `bytes`. */
interface Edit {
  start: number
  end: number
  bytes: Uint8Array
}

const comma = 0x2c
const openBracket = 0x5b
const nothing = new Uint8Array(0)
const usageOption = Buffer.from(',"stream_options":{"include_usage":true}')

export interface SplicedBody {
  /** Views of the client's bytes with the changes between them. */
  segments: Uint8Array[]
  totalBytes: number
}

/**
 * The body as it goes upstream: the client's own bytes, with the model renamed, the gateway's members
 * taken out and usage asked for where that was decided. Nothing is parsed and printed again.
 * @param model the name to send and its JSON text
 * @param prefill what the assistant has said so far, as one more message at the end of `messages`; null for none
 */
export function spliceBody (body: Buffer, parsed: ParsedRequest, model: { name: string, json: Uint8Array }, injectUsage: boolean, prefill: string | null = null): SplicedBody {
  const edits: Edit[] = []
  const modelMember = parsed.scan.members.get('model')
  if (modelMember !== undefined && (parsed.modelInPath || model.name !== parsed.model)) {
    // A form has the bare name.
    edits.push({ start: modelMember.valueStart, end: modelMember.valueEnd, bytes: parsed.contentType === '' ? model.json : Buffer.from(model.name) })
  }
  const fallbacks = parsed.scan.members.get('fallbacks')
  if (fallbacks !== undefined) edits.push(removal(body, fallbacks))
  if (injectUsage) edits.push({ start: parsed.scan.bodyEnd, end: parsed.scan.bodyEnd, bytes: usageOption })
  if (prefill !== null) edits.push(addition(body, parsed.scan.members.get('messages') as JsonMember, prefill))
  if (edits.length === 0) return { segments: [body], totalBytes: body.length }
  if (edits.length > 1) edits.sort((first, second) => first.start - second.start)

  const segments: Uint8Array[] = []
  let totalBytes = 0
  let at = 0
  const add = (segment: Uint8Array): void => {
    if (segment.length > 0) segments.push(segment)
    totalBytes += segment.length
  }
  for (const edit of edits) {
    add(new Uint8Array(body.buffer, body.byteOffset + at, edit.start - at))
    add(edit.bytes)
    at = edit.end
  }
  add(new Uint8Array(body.buffer, body.byteOffset + at, body.length - at))
  return { segments, totalBytes }
}

/** Before the bracket that closes the array. */
function addition (body: Buffer, messages: JsonMember, content: string): Edit {
  const end = messages.valueEnd - 1
  let before = end - 1
  while (isSpace(body[before])) before--
  const message = JSON.stringify({ role: 'assistant', content })
  return { start: end, end, bytes: Buffer.from(body[before] === openBracket ? message : `,${message}`) }
}

/** The object without a member, and with another one, as JSON text `"name":value`, before all others. Nothing is parsed and printed again. */
export function withMember (body: Buffer, { bodyStart, bodyEnd }: JsonScan, removed: JsonMember | undefined, added: string): Buffer {
  const cut = removed === undefined ? { start: bodyEnd, end: bodyEnd } : removal(body, removed)
  const rest = [body.subarray(bodyStart, cut.start), body.subarray(cut.end, bodyEnd)]
  const isEmpty = rest.every((piece) => piece.every((byte) => isSpace(byte)))
  const comma = added === '' || isEmpty ? '' : ','
  return Buffer.concat([Buffer.from(`{${added}${comma}`), ...rest, body.subarray(bodyEnd)])
}

/** A member goes together with one comma: the one before it, or for the first member the one after. */
function removal (body: Buffer, member: JsonMember): Edit {
  let before = member.keyStart - 1
  while (isSpace(body[before])) before--
  if (body[before] === comma) return { start: before, end: member.valueEnd, bytes: nothing }
  let after = member.valueEnd
  while (isSpace(body[after])) after++
  return { start: member.keyStart, end: body[after] === comma ? after + 1 : member.valueEnd, bytes: nothing }
}

function isSpace (byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
}
