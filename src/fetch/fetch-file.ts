import { isIP } from 'node:net'
import type { LookupFunction } from 'node:net'
import type { Client } from 'undici'
import { GatewayError } from '../errors.ts'
import { hostOf, isPublicAddress, judgeUrl, notPublic } from './address-rules.ts'
import { bareMediaType, detectMediaType, mayBe } from './media-type.ts'
import type { ResolveHost } from './resolve-host.ts'

const redirectsMax = 3
const redirectStatuses: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])
const headerBytesMax = 16 * 1024

export interface FileRequest {
  url: string
  /** What it may be. */
  mediaTypes: readonly string[]
}

export interface FileLimits {
  /** See `judgeUrl`. */
  allowedHosts: readonly string[]
  fileBytesMax: number
  /** Of a connection that nobody waits for any more; who waits has a signal. */
  connectTimeoutMs: number
}

export interface FetchedFile { mediaType: string, bytes: Buffer }

/** Why there is no file: `message` follows "since", `host` is who was asked last. */
export class FetchProblem extends Error {
  readonly host: string | null

  constructor (message: string, host: string | null, cause?: unknown) {
    super(message, { cause })
    this.host = host
  }
}

/**
 * Gets one file. Redirects are followed by hand, since each of them may lead to where the first URL could not.
 * @param take is told of bytes as they come, and throws when there are too many
 * @throws FetchProblem, what `take` throws, or the signal's reason
 */
export async function fetchFile (file: FileRequest, limits: FileLimits, resolve: ResolveHost, take: (bytes: number) => void, signal: AbortSignal): Promise<FetchedFile> {
  let target = file.url
  let host: string | null = null
  for (let redirects = 0; redirects <= redirectsMax; redirects++) {
    const verdict = judgeUrl(target, limits.allowedHosts)
    if ('problem' in verdict) throw new FetchProblem(verdict.problem, host)
    host = verdict.url.host
    const addresses = await permittedAddresses(verdict.url, verdict.isTrusted, resolve, signal)
    const answer = await new Download(verdict.url, await openClient(verdict.url, addresses, limits), file, limits, take, signal).run()
    if (typeof answer !== 'string') return answer
    if (!URL.canParse(answer, verdict.url.href)) throw new FetchProblem('it redirects to what is no valid URL', host)
    target = new URL(answer, verdict.url).href
  }
  throw new FetchProblem(`it redirects more than ${redirectsMax} times`, host)
}

/** Resolves the host once. One address that is not permitted makes all of them suspect. */
async function permittedAddresses (url: URL, isTrusted: boolean, resolve: ResolveHost, signal: AbortSignal): Promise<string[]> {
  const host = hostOf(url)
  if (isIP(host) !== 0) return [host] // judged as part of the URL
  const addresses = await unlessAborted(resolve(host, isTrusted), signal).catch((cause: unknown) => {
    signal.throwIfAborted()
    throw new FetchProblem(notPublic, url.host, cause)
  })
  if (addresses.length === 0 || !(isTrusted || addresses.every(isPublicAddress))) throw new FetchProblem(notPublic, url.host)
  return addresses
}

function unlessAborted<T> (promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => { reject(signal.reason) }
    if (signal.aborted) return onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    promise.then(resolve, reject).finally(() => { signal.removeEventListener('abort', onAbort) })
  })
}

/** No proxy of the environment, no keep-alive, no HTTP/2, and no deadline but the signal's. */
async function openClient (url: URL, addresses: readonly string[], limits: FileLimits): Promise<Client> {
  const { Client } = await import('undici') // Here: its whole index is needed, which no other request waits for.
  return new Client(url.origin, {
    connect: { lookup: lookupIn(addresses), timeout: limits.connectTimeoutMs, allowH2: false },
    headersTimeout: 0,
    bodyTimeout: 0,
    maxHeaderSize: headerBytesMax
  })
}

/** One GET over a connection of its own: it ends with the answer, so nothing of one client's is left for another's. */
class Download {
  private readonly url: URL
  private readonly file: FileRequest
  private readonly limits: FileLimits
  private readonly take: (bytes: number) => void
  private readonly signal: AbortSignal
  private readonly client: Client

  constructor (url: URL, client: Client, file: FileRequest, limits: FileLimits, take: (bytes: number) => void, signal: AbortSignal) {
    this.url = url
    this.client = client
    this.file = file
    this.limits = limits
    this.take = take
    this.signal = signal
  }

  /** @returns where it redirects to, or the file */
  async run (): Promise<string | FetchedFile> {
    // Also ends what is still connecting, which a signal given to `request` would not.
    const onAbort = (): void => { void this.client.destroy(this.signal.reason as Error) }
    this.signal.throwIfAborted()
    this.signal.addEventListener('abort', onAbort, { once: true })
    try {
      return await this.request()
    } catch (error) {
      this.signal.throwIfAborted()
      if (error instanceof FetchProblem || error instanceof GatewayError) throw error
      throw this.problem(`the connection failed: ${(error as { code?: string }).code ?? (error as Error).name}`, error)
    } finally {
      this.signal.removeEventListener('abort', onAbort)
      void this.client.destroy()
    }
  }

  private async request (): Promise<string | FetchedFile> {
    const { statusCode, headers, body } = await this.client.request({
      path: this.url.pathname + this.url.search,
      method: 'GET',
      headers: { 'user-agent': 'bifrost', accept: this.file.mediaTypes.join(', '), 'accept-encoding': 'identity' }
    })
    // Destroying the connection with a body unread is an error of the body's, which nobody listens to otherwise.
    body.on('error', () => {})
    const { location } = headers
    if (redirectStatuses.has(statusCode) && typeof location === 'string') return location
    if (statusCode !== 200) throw this.problem(`it answered with status ${statusCode}`)
    const { 'content-type': said, 'content-encoding': encoding = 'identity', 'content-length': announced } = headers
    if (encoding !== 'identity') throw this.problem('it answered in a content encoding that was not asked for')
    const type = bareMediaType(typeof said === 'string' ? said : '')
    if (!mayBe(type, this.file.mediaTypes)) throw this.wrongType(type)
    if (Number(announced ?? 0) > this.limits.fileBytesMax) throw this.tooLarge()
    const bytes = await this.collect(body)
    const found = detectMediaType(type, bytes)
    if (found === null || !this.file.mediaTypes.includes(found)) throw found === null ? this.problem('its bytes are not what its content type says') : this.wrongType(found)
    return { mediaType: found, bytes }
  }

  private async collect (body: AsyncIterable<Buffer>): Promise<Buffer> {
    const chunks: Buffer[] = []
    let total = 0
    for await (const chunk of body) {
      total += chunk.length
      if (total > this.limits.fileBytesMax) throw this.tooLarge()
      this.take(chunk.length)
      chunks.push(chunk)
    }
    return Buffer.concat(chunks, total)
  }

  private tooLarge (): FetchProblem {
    return this.problem(`it is larger than client.media_fetch.max_file_size_mb (${this.limits.fileBytesMax} bytes)`)
  }

  private wrongType (found: string): FetchProblem {
    return this.problem(`its content type is ${/^[\w.+-]+\/[\w.+-]+$/.test(found) ? found.slice(0, 100) : '(none)'}, not one of ${this.file.mediaTypes.join(', ')}`)
  }

  private problem (message: string, cause?: unknown): FetchProblem {
    return new FetchProblem(message, this.url.host, cause)
  }
}

/** A look-up that knows only the addresses that were checked, whatever the name means by now. */
function lookupIn (addresses: readonly string[]): LookupFunction {
  const entries = addresses.map((address) => ({ address, family: isIP(address) }))
  return (_hostname, options, callback) => {
    const [first] = entries as [{ address: string, family: number }]
    if (options.all === true) callback(null, entries)
    else callback(null, first.address, first.family)
  }
}
