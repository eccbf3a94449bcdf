/**
 * A byte queue between two threads in one SharedArrayBuffer: one producer (front), one consumer
 * (worker). The producer writes the payload first and publishes the write index last; the consumer
 * copies bytes out before it moves the read index. Indices are byte counters that wrap as uint32.
 *
 *   byte 0     write index                              own cache line
 *   byte 64    read index                               own cache line
 *   byte 128   consumer asleep (1) or awake (0)         own cache line
 *   byte 192   heartbeat of the consumer, counts up     own cache line
 *   byte 256   event-loop delay of the consumer: p50, p99, max as int32 microseconds
 *   byte 320   data, `capacity` bytes (a power of two):
 *
 *   | length u32 | kind u32 | job id u32 | 0 u32 | payload ... | padding to 8 |
 *
 * `length` counts header and payload without padding. A frame never wraps: when it does not fit before
 * the end of the buffer, the rest is filled by a skip mark (`length` = 0xffffffff) and the frame starts
 * at 0. The space check therefore counts header, padding and skipped rest; leaving one of them out
 * would overwrite unread frames after a wrap.
 */
const kWriteIndex = 0
const kReadIndex = 16
const kAsleep = 32
const kHeartbeat = 48
const kLoopDelay = 64
const kDataOffset = 320
const kFrameHeaderBytes = 16
const kSkipMark = 0xffffffff

/** A frame may take at most this share of the ring; larger bodies travel through the port. */
const ringFrameShareMax = 4

export function createRingMemory (capacityBytes: number): SharedArrayBuffer {
  if (capacityBytes < 1024 || (capacityBytes & (capacityBytes - 1)) !== 0) {
    throw new RangeError(`ring capacity must be a power of two of at least 1024 bytes, not ${capacityBytes}`)
  }
  return new SharedArrayBuffer(kDataOffset + capacityBytes)
}

function alignedFrameBytes (payloadBytes: number): number {
  return (kFrameHeaderBytes + payloadBytes + 7) & ~7
}

class RingView {
  readonly capacityBytes: number
  /** The data area; payload offsets index into it. */
  readonly data: Buffer
  protected readonly header: Int32Array
  protected readonly words: Uint32Array

  constructor (memory: SharedArrayBuffer) {
    this.capacityBytes = memory.byteLength - kDataOffset
    this.header = new Int32Array(memory, 0, kDataOffset / 4)
    this.words = new Uint32Array(memory, kDataOffset, this.capacityBytes / 4)
    this.data = Buffer.from(memory, kDataOffset, this.capacityBytes)
  }

  /** Bytes between the two indices, skip marks included. */
  usedBytes (): number {
    return (Atomics.load(this.header, kWriteIndex) - Atomics.load(this.header, kReadIndex)) >>> 0
  }
}

/** The front's end. `reserve`, fill `data` from the returned offset, `publish`. */
export class RingWriter extends RingView {
  readonly payloadBytesMax: number
  private frameOffset = -1
  private framePayloadBytes = 0
  private skippedBytes = 0

  constructor (memory: SharedArrayBuffer) {
    super(memory)
    this.payloadBytesMax = this.capacityBytes / ringFrameShareMax - kFrameHeaderBytes
  }

  /** @returns the offset in `data` where the payload goes, or -1 when the ring has no room now */
  reserve (payloadBytes: number): number {
    if (payloadBytes > this.payloadBytesMax) throw new RangeError(`frame of ${payloadBytes} bytes is over the limit of ${this.payloadBytesMax}`)
    const frameBytes = alignedFrameBytes(payloadBytes)
    const writeIndex = Atomics.load(this.header, kWriteIndex)
    const position = (writeIndex >>> 0) & (this.capacityBytes - 1)
    const untilEnd = this.capacityBytes - position
    const skipped = frameBytes > untilEnd ? untilEnd : 0
    if (skipped + frameBytes > this.capacityBytes - this.usedBytes()) return -1
    this.skippedBytes = skipped
    this.frameOffset = skipped > 0 ? 0 : position
    this.framePayloadBytes = payloadBytes
    return this.frameOffset + kFrameHeaderBytes
  }

  /** Makes the reserved frame visible to the consumer. */
  publish (kind: number, jobId: number): void {
    const writeIndex = Atomics.load(this.header, kWriteIndex)
    if (this.skippedBytes > 0) {
      this.words[((writeIndex >>> 0) & (this.capacityBytes - 1)) >>> 2] = kSkipMark
    }
    const word = this.frameOffset >>> 2
    this.words[word] = kFrameHeaderBytes + this.framePayloadBytes
    this.words[word + 1] = kind
    this.words[word + 2] = jobId
    this.words[word + 3] = 0
    Atomics.store(this.header, kWriteIndex, (writeIndex + this.skippedBytes + alignedFrameBytes(this.framePayloadBytes)) | 0)
    this.frameOffset = -1
  }

  /** True once per sleep: the caller then wakes the consumer. Call it after `publish`. */
  takeAsleep (): boolean {
    return Atomics.load(this.header, kAsleep) === 1 && Atomics.compareExchange(this.header, kAsleep, 1, 0) === 1
  }

  heartbeat (): number {
    return Atomics.load(this.header, kHeartbeat)
  }

  /** Event-loop delay that the consumer last reported, in seconds. */
  loopDelay (): { p50: number, p99: number, max: number } {
    const read = (index: number): number => Atomics.load(this.header, kLoopDelay + index) / 1e6
    return { p50: read(0), p99: read(1), max: read(2) }
  }
}

/** A frame that breaks the layout: the memory cannot be trusted any more, the thread must end. */
export class RingCorruptError extends Error {
  override readonly name = 'RingCorruptError'
}

export type RingFrameHandler = (kind: number, jobId: number, data: Buffer, payloadOffset: number, payloadBytes: number) => void

/** The worker's end. */
export class RingReader extends RingView {
  /**
   * Hands every waiting frame to `handle`, which copies what it keeps: the space is given back when
   * it returns.
   * @param framesMax stops after this many, so that a consumer can look at its sockets in between
   * @returns the number of frames read
   */
  drain (handle: RingFrameHandler, framesMax = Infinity): number {
    let frames = 0
    let readIndex = Atomics.load(this.header, kReadIndex)
    for (;;) {
      const published = (Atomics.load(this.header, kWriteIndex) - readIndex) >>> 0
      if (published === 0 || frames >= framesMax) return frames
      const position = (readIndex >>> 0) & (this.capacityBytes - 1)
      const untilEnd = this.capacityBytes - position
      const word = position >>> 2
      const length = this.words[word] as number
      const isSkip = length === kSkipMark
      const taken = isSkip ? untilEnd : (length + 7) & ~7
      // Nothing reaches past the end or past what was published; a skip mark has a frame behind it.
      const possible = isSkip ? taken < published : length >= kFrameHeaderBytes && length <= untilEnd && taken <= published
      if (!possible || published > this.capacityBytes) {
        throw new RingCorruptError(`frame length ${length} at ${position} is impossible with ${published} bytes published in a ring of ${this.capacityBytes} bytes`)
      }
      if (!isSkip) {
        handle(this.words[word + 1] as number, this.words[word + 2] as number, this.data, position + kFrameHeaderBytes, length - kFrameHeaderBytes)
        frames++
      }
      readIndex = (readIndex + taken) | 0
      Atomics.store(this.header, kReadIndex, readIndex)
    }
  }

  /** Does nothing else until a frame is there or the time is over, in milliseconds. */
  lookFor (waitMs: number): void {
    const endMs = performance.now() + waitMs
    while (this.usedBytes() === 0 && performance.now() < endMs);
  }

  /**
   * Announces that the consumer waits for a wake-up.
   * @returns false when a frame came in between: drain again instead of sleeping
   */
  sleep (): boolean {
    Atomics.store(this.header, kAsleep, 1)
    if (Atomics.load(this.header, kReadIndex) === Atomics.load(this.header, kWriteIndex)) return true
    // Either side may take the flag back; when the producer was faster, its wake-up only finds an empty ring.
    Atomics.store(this.header, kAsleep, 0)
    return false
  }

  beat (): void {
    Atomics.add(this.header, kHeartbeat, 1)
  }

  reportLoopDelay (p50Microseconds: number, p99Microseconds: number, maxMicroseconds: number): void {
    Atomics.store(this.header, kLoopDelay, p50Microseconds)
    Atomics.store(this.header, kLoopDelay + 1, p99Microseconds)
    Atomics.store(this.header, kLoopDelay + 2, maxMicroseconds)
  }
}
