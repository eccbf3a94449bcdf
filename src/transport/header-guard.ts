/**
 * What uWebSockets.js lets through and must not: two message lengths, or a length or transfer coding
 * that another parser could read differently, would let a second request hide in the body of the first.
 * Pure; the caller closes the connection.
 */
const length = /^\d{1,15}$/
// Not `toLowerCase() === 'chunked'`: the Kelvin sign U+212A lower-cases to k.
const chunked = /^chunked$/i

/** Header names (lower case) and values in turn. @returns what is wrong, null when all is well */
export function findFramingProblem (headers: readonly string[]): string | null {
  let contentLengths = 0
  let transferEncodings = 0
  let hosts = 0
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index] as string
    if (name === 'content-length') {
      if (++contentLengths > 1) return 'more than one Content-Length'
      if (!length.test(headers[index + 1] as string)) return 'a Content-Length that is not a number'
    } else if (name === 'transfer-encoding') {
      if (++transferEncodings > 1) return 'more than one Transfer-Encoding'
      if (!chunked.test(headers[index + 1] as string)) return 'a Transfer-Encoding other than chunked'
    } else if (name === 'host') {
      if (++hosts > 1) return 'more than one Host'
    } else if (name === '') {
      return 'an empty header name'
    }
  }
  return contentLengths > 0 && transferEncodings > 0 ? 'both Content-Length and Transfer-Encoding' : null
}
