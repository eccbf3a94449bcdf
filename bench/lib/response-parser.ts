/** Called as an answer arrives; ranges are valid during the call only. */
export interface ResponseHandler {
  /** @param isLast the server closes the connection after this answer */
  onHead(status: number, isLast: boolean): void
  onBody(bytes: Buffer, start: number, end: number): void
  onEnd(): void
}

const lineFeed = 10
const headBytesMax = 16 * 1024
const headEnd = Buffer.from('\r\n\r\n')

/**
 * Reads HTTP/1.1 answers from one keep-alive connection, one at a time: enough for a load generator and
 * a tenth of the cost of a full client. Bodies by content-length, chunked, or none.
 *
 * head -> sized | chunk-size -> (chunk-data -> chunk-end -> chunk-size) -> trailer -> head
 */
export class ResponseParser {
  private state: 'head' | 'sized' | 'chunk-size' | 'chunk-data' | 'chunk-end' | 'trailer' = 'head'
  /** Start of a head that came in pieces. */
  private pending: Buffer | null = null
  /** Bytes left in the body or in the chunk. */
  private left = 0
  private sizeText = ''
  private trailerLineBytes = 0
  private readonly handler: ResponseHandler

  constructor (handler: ResponseHandler) {
    this.handler = handler
  }

  push (bytes: Buffer): void {
    let at = 0
    while (at < bytes.length) at = this.step(bytes, at)
  }

  private step (bytes: Buffer, at: number): number {
    switch (this.state) {
      case 'head': return this.readHead(bytes, at)
      case 'sized':
      case 'chunk-data': return this.readBody(bytes, at)
      case 'chunk-size': return this.readChunkSize(bytes, at)
      case 'chunk-end': return this.skipLine(bytes, at, 'chunk-size')
      case 'trailer': return this.readTrailer(bytes, at)
    }
  }

  private readHead (bytes: Buffer, at: number): number {
    const joined = this.pending === null ? bytes : Buffer.concat([this.pending, bytes.subarray(at)])
    const start = this.pending === null ? at : 0
    const end = joined.indexOf(headEnd, start)
    if (end < 0) {
      if (joined.length - start > headBytesMax) throw new Error('the head of an answer is too large')
      this.pending = Buffer.from(joined.subarray(start))
      return bytes.length
    }
    const next = end + 4 - (joined === bytes ? 0 : joined.length - bytes.length)
    const head = joined.toString('latin1', start, end).toLowerCase()
    this.pending = null
    const status = Number(head.slice(9, 12))
    if (!head.startsWith('http/1.') || !(status >= 200)) throw new Error(`not an HTTP answer: ${head.slice(0, 40)}`)
    this.handler.onHead(status, head.includes('\r\nconnection: close'))
    const lengthAt = head.indexOf('\r\ncontent-length:')
    if (lengthAt >= 0) {
      this.left = parseInt(head.slice(lengthAt + 17, lengthAt + 33), 10)
      this.state = 'sized'
      if (this.left === 0) this.finish()
    } else if (head.includes('\r\ntransfer-encoding: chunked')) {
      this.state = 'chunk-size'
    } else if (status === 204 || status === 304) {
      this.finish()
    } else {
      throw new Error('an answer has neither content-length nor chunks')
    }
    return next
  }

  private readBody (bytes: Buffer, at: number): number {
    const end = Math.min(bytes.length, at + this.left)
    this.handler.onBody(bytes, at, end)
    this.left -= end - at
    if (this.left > 0) return end
    if (this.state === 'sized') this.finish()
    else this.state = 'chunk-end'
    return end
  }

  private readChunkSize (bytes: Buffer, at: number): number {
    const end = bytes.indexOf(lineFeed, at)
    this.sizeText += bytes.toString('latin1', at, end < 0 ? bytes.length : end)
    if (end < 0) return bytes.length
    this.left = parseInt(this.sizeText, 16)
    if (!(this.left >= 0)) throw new Error(`not a chunk size: ${this.sizeText}`)
    this.sizeText = ''
    this.state = this.left === 0 ? 'trailer' : 'chunk-data'
    this.trailerLineBytes = 0
    return end + 1
  }

  private skipLine (bytes: Buffer, at: number, next: 'chunk-size'): number {
    const end = bytes.indexOf(lineFeed, at)
    if (end < 0) return bytes.length
    this.state = next
    return end + 1
  }

  /** Trailer lines end with an empty one. */
  private readTrailer (bytes: Buffer, at: number): number {
    const end = bytes.indexOf(lineFeed, at)
    this.trailerLineBytes += (end < 0 ? bytes.length : end) - at
    if (end < 0) return bytes.length
    if (this.trailerLineBytes <= 1) this.finish()
    this.trailerLineBytes = 0
    return end + 1
  }

  private finish (): void {
    this.state = 'head'
    this.handler.onEnd()
  }
}
