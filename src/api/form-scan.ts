/**
 * One pass over the bytes of a multipart form (RFC 7578): where its parts stand. A file in it is never copied to read the fields beside
 * it, and one field is changed without putting the form together again.
 */

/** A part as byte offsets; ends are exclusive. */
export interface FormPart {
  name: string
  /** Null: a field. */
  fileName: string | null
  /** Empty when the part does not say. */
  contentType: string
  /** The two dashes of the boundary before it. */
  partStart: number
  valueStart: number
  valueEnd: number
}

/** What is wrong with a form; callers turn it into their own side's error. */
export class FormScanError extends Error {
  override readonly name = 'FormScanError'
}

const partsMax = 256
const partHeaderBytesMax = 8 * 1024
/** RFC 2046: 1 to 70 of these. */
const boundaryParameter = /^multipart\/form-data\s*;(?:.*;)?\s*boundary=(?:"([^"\r\n]{1,70})"|([A-Za-z0-9'()+_,./:=?-]{1,70}))\s*(?:;|$)/i
const headersEnd = Buffer.from('\r\n\r\n')
const carriageReturn = 0x0d
const lineFeed = 0x0a
const dash = 0x2d

export function isForm (contentType: string): boolean {
  return /^multipart\/form-data\b/i.test(contentType)
}

/**
 * @param contentType of the whole form
 * @throws FormScanError
 */
export function scanForm (contentType: string, body: Buffer): FormPart[] {
  const [, quoted, plain] = boundaryParameter.exec(contentType) ?? []
  const boundary = quoted ?? plain
  if (boundary === undefined) throw new FormScanError('its content type names no boundary')
  const delimiter = Buffer.from(`--${boundary}`, 'latin1')
  const between = Buffer.from(`\r\n--${boundary}`, 'latin1')
  const parts: FormPart[] = []
  // What stands before the first boundary means nothing.
  let partStart = body.subarray(0, delimiter.length).equals(delimiter) ? 0 : body.indexOf(between) + 2
  if (partStart === 1) throw new FormScanError('it does not begin with its boundary')
  for (;;) {
    const lineEnd = partStart + delimiter.length
    if (body[lineEnd] === dash && body[lineEnd + 1] === dash) return parts
    if (parts.length === partsMax) throw new FormScanError(`it has more than ${partsMax} parts`)
    const headersStart = afterLine(body, lineEnd)
    const headersStop = body.subarray(headersStart - 2, headersStart + partHeaderBytesMax).indexOf(headersEnd)
    if (headersStop < 0) throw new FormScanError(`a part has no end of its headers within ${partHeaderBytesMax} bytes`)
    const valueStart = headersStart - 2 + headersStop + headersEnd.length
    const valueEnd = body.indexOf(between, valueStart - 2)
    if (valueEnd < 0) throw new FormScanError('it ends before its last boundary')
    parts.push({ ...readHeaders(body.toString('utf8', headersStart, valueStart)), partStart, valueStart, valueEnd: Math.max(valueStart, valueEnd) })
    partStart = valueEnd + 2
  }
}

/** White space may follow the boundary. */
function afterLine (body: Buffer, start: number): number {
  let at = start
  while (body[at] === 0x20 || body[at] === 0x09) at++
  if (body[at] !== carriageReturn || body[at + 1] !== lineFeed) throw new FormScanError('a boundary has no end of its line')
  return at + 2
}

function readHeaders (text: string): { name: string, fileName: string | null, contentType: string } {
  const lines = text.split('\r\n')
  const disposition = lines.find((line) => /^content-disposition:[ \t]*form-data[ \t]*;/i.test(line))
  const name = disposition === undefined ? undefined : parameterOf(disposition, 'name')
  if (disposition === undefined || name === undefined) throw new FormScanError('a part has no content-disposition with a name')
  const contentType = lines.find((line) => /^content-type:/i.test(line)) ?? ''
  return { name, fileName: parameterOf(disposition, 'filename') ?? null, contentType: contentType.slice('content-type:'.length).trim() }
}

/** Browsers and SDKs write quotes in names as `%22` or `\"`. */
function parameterOf (disposition: string, name: string): string | undefined {
  const [, quoted, plain] = new RegExp(`;[ \\t]*${name}=(?:"((?:[^"\\\\]|\\\\.)*)"|([^;\\s"]+))`, 'is').exec(disposition) ?? []
  return quoted === undefined ? plain : quoted.replace(/\\(["\\])/g, '$1').replace(/%22/g, '"')
}
