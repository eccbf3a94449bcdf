import { setMaxListeners } from 'node:events'
import type { MediaFetchSettings } from '../api/settings.ts'
import { GatewayError } from '../errors.ts'
import { fetchFile, FetchProblem } from './fetch-file.ts'
import type { FetchedFile, FileRequest } from './fetch-file.ts'
import type { ResolveHost } from './resolve-host.ts'
import { Slots } from './slots.ts'

const filesPerRequestMax = 20
const bytesPerRequestMax = 50 * 1024 * 1024
/** One request must not take all slots of its thread. */
const fetchesPerRequestMax = 4
const fetchesPerThreadMax = 64
/** Of requests that are not over, since their bodies hold what was fetched. */
const bytesPerThreadMax = 256 * 1024 * 1024

export interface WantedFile extends FileRequest {
  /** Of the URL in the client's request, for messages. */
  param: string
}

/** Gets the media of a thread's requests. Nothing is kept for the next request. */
export class MediaFetcher {
  readonly resolve: ResolveHost
  readonly slots = new Slots(fetchesPerThreadMax)
  /**
   * Translating tens of megabytes takes a good part of a second. Requests whose media have come in one turn of the event loop are
   * let go in a turn each, so that the thread's heartbeat and its streams come in between.
   */
  readonly turns = new Slots(1)
  /** Of all fetches that have not been ended. */
  private bytesInHand = 0

  constructor (resolve: ResolveHost) {
    this.resolve = resolve
  }

  /** For one request, which ends it. */
  open (settings: MediaFetchSettings): MediaFetch {
    return new MediaFetch(this, settings)
  }

  /** @throws GatewayError when the thread holds too much */
  take (bytes: number): void {
    if (this.bytesInHand + bytes > bytesPerThreadMax) {
      throw new GatewayError('BIFROST_REQUEST_DROPPED', { message: `request dropped: the media of the requests in progress are larger than ${bytesPerThreadMax} bytes` })
    }
    this.bytesInHand += bytes
  }

  giveBack (bytes: number): void {
    this.bytesInHand -= bytes
  }
}

/** The media of one request. Their bytes count until `end`, which also stops what still runs. */
export class MediaFetch {
  private readonly fetcher: MediaFetcher
  private readonly settings: MediaFetchSettings
  private readonly controller = new AbortController()
  private readonly slots = new Slots(fetchesPerRequestMax)
  private bytes = 0
  private ended = false

  constructor (fetcher: MediaFetcher, settings: MediaFetchSettings) {
    this.fetcher = fetcher
    this.settings = settings
    // Each file listens at most twice; the default makes a warning of eleven.
    setMaxListeners(2 * filesPerRequestMax, this.controller.signal)
  }

  end (): void {
    if (this.ended) return
    this.ended = true
    this.controller.abort(new FetchProblem('the request is over', null))
    this.fetcher.giveBack(this.bytes)
  }

  /**
   * Once.
   * @param files at least one
   * @returns them in their order
   * @throws GatewayError
   */
  async run (files: readonly WantedFile[]): Promise<FetchedFile[]> {
    const [first] = files as [WantedFile]
    const { refusedReason, timeoutMs } = this.settings
    if (refusedReason !== null) throw refusal(first, refusedReason, null)
    if (files.length > filesPerRequestMax) throw refusal(files[filesPerRequestMax] as WantedFile, `it is more than the ${filesPerRequestMax}th of a request`, null)
    const fetched = await this.fetchAll(files, timeoutMs)
    await this.fetcher.turns.run(nextTurn, this.controller.signal)
    return fetched
  }

  private async fetchAll (files: readonly WantedFile[], timeoutMs: number): Promise<FetchedFile[]> {
    const timer = setTimeout(() => {
      this.controller.abort(new FetchProblem(`it took longer than client.media_fetch.timeout_in_seconds (${timeoutMs / 1000} s)`, null))
    }, timeoutMs)
    try {
      return await Promise.all(files.map((file) => this.fetchOne(file)))
    } catch (error) {
      // The first failure is the request's; the others are not waited for.
      this.controller.abort(new FetchProblem('another one failed', null))
      throw error
    } finally {
      clearTimeout(timer)
    }
  }

  private async fetchOne (file: WantedFile): Promise<FetchedFile> {
    const { fetcher, slots, controller: { signal }, settings: { allowedHosts, fileBytesMax, timeoutMs } } = this
    try {
      const task = (): Promise<FetchedFile> => fetchFile(file, { allowedHosts, fileBytesMax, connectTimeoutMs: timeoutMs }, fetcher.resolve, this.take, signal)
      return await slots.run(() => fetcher.slots.run(task, signal), signal)
    } catch (error) {
      throw error instanceof FetchProblem ? refusal(file, error.message, error) : error
    }
  }

  private readonly take = (bytes: number): void => {
    // What comes after the end must not be counted: nobody would give it back.
    this.controller.signal.throwIfAborted()
    if (this.bytes + bytes > bytesPerRequestMax) throw new FetchProblem(`all files of the request together are larger than ${bytesPerRequestMax} bytes`, null)
    this.fetcher.take(bytes)
    this.bytes += bytes
  }
}

function nextTurn (): Promise<void> {
  return new Promise((resolve) => { setImmediate(resolve) })
}

/** Never with the path or the query of a URL: they may hold what gives access. */
function refusal ({ url, param }: WantedFile, problem: string, cause: FetchProblem | null): GatewayError {
  const host = cause?.host ?? (URL.canParse(url) ? new URL(url).host : null)
  return new GatewayError('BIFROST_INVALID_REQUEST', {
    param,
    message: `${param} could not be fetched${host === null || host === '' ? '' : ` from ${host.slice(0, 255)}`}, since ${problem}. Send a data URL instead.`,
    cause: cause ?? undefined
  })
}
