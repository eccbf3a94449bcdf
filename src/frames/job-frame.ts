import type { JobFrame, JobHead } from '../api/job.ts'
import { dialects } from '../api/dialects.ts'
import { operations } from '../api/operations.ts'

/**
 * The attempt frame: one job as the front hands it to a thread.
 *
 *   byte 0    revision u32            which settings of the provider; the thread got them through its port
 *   byte 4    key index u32           the thread knows the secret, the frame only names it
 *   byte 8    operation u8, flags u8, dialect u8, more flags u8
 *   byte 12   model bytes u32
 *   byte 16   extra_fields prefix bytes u32
 *   byte 20   forwarded headers bytes u32
 *   byte 24   body bytes u32
 *   byte 28   direct key bytes u32
 *   byte 32   model | extra_fields prefix | forwarded headers | direct key | body (absent when it travels through the port)
 */
const headerBytes = 32

const flagStream = 1
const flagBodyInPort = 2
const flagUsageInjected = 4
const flagBase64Embeddings = 8
const flagRawRequest = 16
const flagRawResponse = 32
const flagFreshConnection = 64
const flagPassExtraParams = 128

const moreFlagJsonArray = 1

/** Sizes of an attempt frame, measured once and used to reserve and to write. */
export interface JobFrameSize {
  modelBytes: number
  extraFieldsBytes: number
  forwardedHeadersBytes: number
  directKeyBytes: number
  bodyBytes: number
  totalBytes: number
}

/** @param bodyBytes bytes of the body; 0 when it travels through the port */
export function sizeOfJobFrame (head: JobHead, bodyBytes: number): JobFrameSize {
  const modelBytes = Buffer.byteLength(head.model)
  const extraFieldsBytes = head.extraFields === '' ? 0 : Buffer.byteLength(head.extraFields)
  const forwardedHeadersBytes = head.forwardedHeaders === '' ? 0 : Buffer.byteLength(head.forwardedHeaders, 'latin1')
  const directKeyBytes = head.directKey.length
  return { modelBytes, extraFieldsBytes, forwardedHeadersBytes, directKeyBytes, bodyBytes, totalBytes: headerBytes + modelBytes + extraFieldsBytes + forwardedHeadersBytes + directKeyBytes + bodyBytes }
}

/** @param body segments in order, so that a spliced body is not put together first; null when it travels through the port */
export function writeJobFrame (data: Buffer, offset: number, revision: number, head: JobHead, size: JobFrameSize, body: readonly Uint8Array[] | null): void {
  data.writeUInt32LE(revision, offset)
  data.writeUInt32LE(head.keyIndex, offset + 4)
  data[offset + 8] = operations.indexOf(head.operation)
  data[offset + 9] = (head.stream ? flagStream : 0) | (body === null ? flagBodyInPort : 0) |
    (head.usageInjected ? flagUsageInjected : 0) | (head.base64Embeddings ? flagBase64Embeddings : 0) |
    (head.sendBackRawRequest ? flagRawRequest : 0) | (head.sendBackRawResponse ? flagRawResponse : 0) |
    (head.freshConnection ? flagFreshConnection : 0) | (head.passExtraParams ? flagPassExtraParams : 0)
  data[offset + 10] = dialects.indexOf(head.dialect)
  data[offset + 11] = head.jsonArray ? moreFlagJsonArray : 0
  data.writeUInt32LE(size.modelBytes, offset + 12)
  data.writeUInt32LE(size.extraFieldsBytes, offset + 16)
  data.writeUInt32LE(size.forwardedHeadersBytes, offset + 20)
  data.writeUInt32LE(size.bodyBytes, offset + 24)
  data.writeUInt32LE(size.directKeyBytes, offset + 28)
  let at = offset + headerBytes
  at += data.write(head.model, at)
  if (size.extraFieldsBytes > 0) at += data.write(head.extraFields, at)
  if (size.forwardedHeadersBytes > 0) at += data.write(head.forwardedHeaders, at, 'latin1')
  if (size.directKeyBytes > 0) at += data.write(head.directKey, at, 'latin1')
  if (body === null) return
  for (const segment of body) {
    data.set(segment, at)
    at += segment.length
  }
}

/** Copies everything out of `data`, which belongs to the ring. */
export function readJobFrame (id: number, data: Buffer, offset: number): JobFrame {
  const flags = data[offset + 9] as number
  const moreFlags = data[offset + 11] as number
  const operation = operations[data[offset + 8] as number]
  if (operation === undefined) throw new RangeError(`unknown operation ${data[offset + 8]} in a job frame`)
  const dialect = dialects[data[offset + 10] as number]
  if (dialect === undefined) throw new RangeError(`unknown dialect ${data[offset + 10]} in a job frame`)
  const modelEnd = offset + headerBytes + data.readUInt32LE(offset + 12)
  const extraFieldsEnd = modelEnd + data.readUInt32LE(offset + 16)
  const headersEnd = extraFieldsEnd + data.readUInt32LE(offset + 20)
  const directKeyEnd = headersEnd + data.readUInt32LE(offset + 28)
  const bodyBytes = data.readUInt32LE(offset + 24)
  const body = Buffer.allocUnsafe(bodyBytes)
  data.copy(body, 0, directKeyEnd, directKeyEnd + bodyBytes)
  return {
    id,
    revision: data.readUInt32LE(offset),
    keyIndex: data.readUInt32LE(offset + 4),
    dialect,
    operation,
    stream: (flags & flagStream) !== 0,
    bodyInPort: (flags & flagBodyInPort) !== 0,
    usageInjected: (flags & flagUsageInjected) !== 0,
    base64Embeddings: (flags & flagBase64Embeddings) !== 0,
    sendBackRawRequest: (flags & flagRawRequest) !== 0,
    sendBackRawResponse: (flags & flagRawResponse) !== 0,
    freshConnection: (flags & flagFreshConnection) !== 0,
    passExtraParams: (flags & flagPassExtraParams) !== 0,
    jsonArray: (moreFlags & moreFlagJsonArray) !== 0,
    model: data.toString('utf8', offset + headerBytes, modelEnd),
    extraFields: data.toString('utf8', modelEnd, extraFieldsEnd),
    forwardedHeaders: data.toString('latin1', extraFieldsEnd, headersEnd),
    directKey: directKeyEnd === headersEnd ? '' : data.toString('latin1', headersEnd, directKeyEnd),
    body
  }
}
