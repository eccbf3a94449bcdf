import { GatewayError } from '../errors.ts'
import { FormScanError, isForm, scanForm } from './form-scan.ts'
import type { FormPart } from './form-scan.ts'
import { JsonMembers } from './json-scan.ts'
import type { Operation } from './operations.ts'
import { checkModel, invalid, withoutModel } from './parsed-request.ts'
import type { ParsedRequest } from './parsed-request.ts'

/** Operations that come as a multipart form. */
export const formOperations: ReadonlySet<Operation> = new Set(['image_edit', 'image_variation', 'transcription', 'translation', 'file_upload'])

/** The file that an operation is about; OpenAI takes several images as `image[]`. */
const files: Readonly<Partial<Record<Operation, readonly string[]>>> = {
  image_edit: ['image', 'image[]'],
  image_variation: ['image'],
  transcription: ['file'],
  translation: ['file'],
  file_upload: ['file']
}

/** The members of a form that the gateway acts on, where they stand; everything else goes upstream as it is. @throws GatewayError */
export function parseForm (operation: Operation, body: Buffer, contentType: string): ParsedRequest {
  const parts = checkForm(operation, body, contentType)
  const part = fieldOf(parts, 'model')
  const model = part === null ? null : textOf(body, part)
  checkModel(model)
  const members = new JsonMembers()
  const { partStart, valueStart, valueEnd } = part as FormPart
  members.add({ name: 'model', keyStart: partStart, valueStart, valueEnd })
  return { ...withoutModel, operation, model, modelInPath: false, stream: isStreamed(operation, body, parts), contentType, scan: { members, bodyStart: 0, bodyEnd: body.length, isEmpty: false } }
}

/** @throws GatewayError when it is no form, or the file is not in it */
export function checkForm (operation: Operation, body: Buffer, contentType: string): FormPart[] {
  if (!isForm(contentType)) throw invalid('content-type', `content-type must be multipart/form-data, not ${contentType === '' ? 'absent' : JSON.stringify(contentType.slice(0, 64))}.`)
  if (!/^[\x20-\x7e]{1,256}$/.test(contentType)) throw invalid('content-type', 'content-type must be at most 256 printable ASCII characters.')
  let parts: FormPart[]
  try {
    parts = scanForm(contentType, body)
  } catch (error) {
    if (!(error instanceof FormScanError)) throw error
    throw new GatewayError('BIFROST_INVALID_REQUEST', { message: `The form is not usable: ${error.message}.`, cause: error })
  }
  const names = files[operation] ?? []
  if (!parts.some(({ name, fileName }) => fileName !== null && names.includes(name))) throw invalid(names[0] ?? 'file', `${names[0] ?? 'file'} is required, as a file of the form.`)
  return parts
}

function isStreamed (operation: Operation, body: Buffer, parts: readonly FormPart[]): boolean {
  const part = operation === 'transcription' || operation === 'image_edit' ? fieldOf(parts, 'stream') : null
  if (part === null) return false
  const text = textOf(body, part)
  if (text !== 'true' && text !== 'false') throw invalid('stream', `stream must be true or false, not ${JSON.stringify(text.slice(0, 64))}.`)
  return text === 'true'
}

/** @returns null when it is absent */
function fieldOf (parts: readonly FormPart[], name: string): FormPart | null {
  const found = parts.filter((part) => part.name === name)
  if (found.length > 1) throw invalid(name, `${name} must be in the form once, not ${found.length} times.`)
  return found[0] ?? null
}

function textOf (body: Buffer, { valueStart, valueEnd }: FormPart): string {
  // A model's name is short; what is longer is none, and is refused as such.
  return body.toString('utf8', valueStart, Math.min(valueEnd, valueStart + 1024))
}
