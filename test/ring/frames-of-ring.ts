import type { RingReader, RingWriter } from '../../src/ring/ring.ts'

/** A frame as the tests send and compare it. */
export interface SentFrame {
  kind: number
  jobId: number
  payload: Buffer
}

export const asleepWord = 32

/** The header words: 0 write index, 16 read index, 32 asleep. Data words start at 80. */
export function indexWords (memory: SharedArrayBuffer): Int32Array {
  return new Int32Array(memory, 0, 80)
}

/** Makes an empty ring that has already moved `start` bytes. */
export function setIndices (memory: SharedArrayBuffer, start: number): void {
  const words = indexWords(memory)
  words[0] = start | 0
  words[16] = start | 0
}

/** Bytes that differ from frame to frame and from place to place. */
export function fillPayload (seed: number, bytes: number): Buffer {
  const payload = Buffer.alloc(bytes)
  let state = (seed * 2654435761 + 12345) >>> 0
  for (let index = 0; index < bytes; index++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    payload[index] = state >>> 24
  }
  return payload
}

/** @returns false when the ring has no room */
export function pushFrame (writer: RingWriter, frame: SentFrame): boolean {
  const offset = writer.reserve(frame.payload.length)
  if (offset < 0) return false
  writer.data.set(frame.payload, offset)
  writer.publish(frame.kind, frame.jobId)
  return true
}

export function drainAll (reader: RingReader): SentFrame[] {
  const frames: SentFrame[] = []
  reader.drain((kind, jobId, data, offset, bytes) => {
    frames.push({ kind, jobId, payload: Buffer.from(data.subarray(offset, offset + bytes)) })
  })
  return frames
}
