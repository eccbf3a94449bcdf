import { httpMethods } from '../api/job.ts'
import type { HttpMethod, JobFrame, JobHead } from '../api/job.ts'
import { dialects } from '../api/dialects.ts'
import { operations } from '../api/operations.ts'

/**
 * The attempt frame: one job as the front hands it to a thread.
 *
 *   byte 0    revision u32            which settings of the provider; the thread got them through its port
 *   byte 4    key index u32           the thread knows the secret, the frame only names it
 *   byte 8    operation u8, flags u8, dialect u8, more flags u8: method in the lowest two bits
 *   byte 12   model bytes u32
 *   byte 16   extra_fields prefix bytes u32
 *   byte 20   forwarded headers bytes u32
 *   byte 24   resource bytes u32
 *   byte 28   content type bytes u32
 *   byte 32   direct key bytes u32
 *   byte 36   body bytes u32
 *   byte 40   model | extra_fields prefix | forwarded headers | resource | content type | direct key | body (absent when it travels through the port)
 */
const headerBytes = 40

const flagStream = 1
const flagBodyInPort = 2
const flagUsageInjected = 4
const flagBase64Embeddings = 8
const flagRawRequest = 16
const flagRawResponse = 32
const flagFreshConnection = 64
const flagPassExtraParams = 128

/** In the byte of more flags. */
const methodMask = 3
const flagRelay = 4
const flagPassthrough = 8
const flagJsonArray = 16

/** Sizes of an attempt frame, measured once and used to reserve and to write. */
export interface JobFrameSize {
  modelBytes: number
  extraFieldsBytes: number
  forwardedHeadersBytes: number
  resourceBytes: number
  contentTypeBytes: number
  directKeyBytes: number
  bodyBytes: number
  totalBytes: number
}

/** @param bodyBytes bytes of the body; 0 when it travels through the port */
export function sizeOfJobFrame (head: JobHead, bodyBytes: number): JobFrameSize {
  const modelBytes = Buffer.byteLength(head.model)
  const extraFieldsBytes = head.extraFields === '' ? 0 : Buffer.byteLength(head.extraFields)
  const forwardedHeadersBytes = head.forwardedHeaders === '' ? 0 : Buffer.byteLength(head.forwardedHeaders, 'latin1')
  // All are printable ASCII: `transport/server.ts`, `api/parse-form.ts` and `router/request-headers.ts` see to it.
  const resourceBytes = head.resource.length
  const contentTypeBytes = head.contentType.length
  const directKeyBytes = head.directKey.length
  const totalBytes = headerBytes + modelBytes + extraFieldsBytes + forwardedHeadersBytes + resourceBytes + contentTypeBytes + directKeyBytes + bodyBytes
  return { modelBytes, extraFieldsBytes, forwardedHeadersBytes, resourceBytes, contentTypeBytes, directKeyBytes, bodyBytes, totalBytes }
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
  data[offset + 11] = httpMethods.indexOf(head.method) | (head.relay ? flagRelay : 0) | (head.passthrough ? flagPassthrough : 0) | (head.jsonArray ? flagJsonArray : 0)
  data.writeUInt32LE(size.modelBytes, offset + 12)
  data.writeUInt32LE(size.extraFieldsBytes, offset + 16)
  data.writeUInt32LE(size.forwardedHeadersBytes, offset + 20)
  data.writeUInt32LE(size.resourceBytes, offset + 24)
  data.writeUInt32LE(size.contentTypeBytes, offset + 28)
  data.writeUInt32LE(size.directKeyBytes, offset + 32)
  data.writeUInt32LE(size.bodyBytes, offset + 36)
  let at = offset + headerBytes
  at += data.write(head.model, at)
  if (size.extraFieldsBytes > 0) at += data.write(head.extraFields, at)
  if (size.forwardedHeadersBytes > 0) at += data.write(head.forwardedHeaders, at, 'latin1')
  if (size.resourceBytes > 0) at += data.write(head.resource, at, 'latin1')
  if (size.contentTypeBytes > 0) at += data.write(head.contentType, at, 'latin1')
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
  const resourceEnd = headersEnd + data.readUInt32LE(offset + 24)
  const contentTypeEnd = resourceEnd + data.readUInt32LE(offset + 28)
  const directKeyEnd = contentTypeEnd + data.readUInt32LE(offset + 32)
  const bodyBytes = data.readUInt32LE(offset + 36)
  const body = Buffer.allocUnsafe(bodyBytes)
  data.copy(body, 0, directKeyEnd, directKeyEnd + bodyBytes)
  return {
    id,
    revision: data.readUInt32LE(offset),
    keyIndex: data.readUInt32LE(offset + 4),
    dialect,
    operation,
    stream: (flags & flagStream) !== 0,
    relay: (moreFlags & flagRelay) !== 0,
    passthrough: (moreFlags & flagPassthrough) !== 0,
    method: httpMethods[moreFlags & methodMask] as HttpMethod,
    bodyInPort: (flags & flagBodyInPort) !== 0,
    usageInjected: (flags & flagUsageInjected) !== 0,
    base64Embeddings: (flags & flagBase64Embeddings) !== 0,
    sendBackRawRequest: (flags & flagRawRequest) !== 0,
    sendBackRawResponse: (flags & flagRawResponse) !== 0,
    freshConnection: (flags & flagFreshConnection) !== 0,
    passExtraParams: (flags & flagPassExtraParams) !== 0,
    jsonArray: (moreFlags & flagJsonArray) !== 0,
    model: data.toString('utf8', offset + headerBytes, modelEnd),
    extraFields: data.toString('utf8', modelEnd, extraFieldsEnd),
    forwardedHeaders: data.toString('latin1', extraFieldsEnd, headersEnd),
    resource: resourceEnd === headersEnd ? '' : data.toString('latin1', headersEnd, resourceEnd),
    contentType: contentTypeEnd === resourceEnd ? '' : data.toString('latin1', resourceEnd, contentTypeEnd),
    directKey: directKeyEnd === contentTypeEnd ? '' : data.toString('latin1', contentTypeEnd, directKeyEnd),
    body
  }
}
