/** Sound as samples: 16 bits, little endian, one channel. */
export interface Samples {
  bytes: Buffer
  rateHz: number
}

const headerBytes = 44
const bytesPerSample = 2

/**
 * A RIFF file of samples:
 *
 *     0 RIFF size WAVE | 12 fmt_ 16 | 20 format 1, channels 1, rate, bytes per second, bytes per sample, bits | 36 data size | 44 samples
 */
export function toWav ({ bytes, rateHz }: Samples): Buffer {
  const header = Buffer.alloc(headerBytes)
  header.write('RIFF', 0, 'latin1')
  header.writeUInt32LE(headerBytes - 8 + bytes.length, 4)
  header.write('WAVEfmt ', 8, 'latin1')
  header.writeUInt32LE(16, 16)
  header.writeUInt16LE(1, 20)
  header.writeUInt16LE(1, 22)
  header.writeUInt32LE(rateHz, 24)
  header.writeUInt32LE(rateHz * bytesPerSample, 28)
  header.writeUInt16LE(bytesPerSample, 32)
  header.writeUInt16LE(bytesPerSample * 8, 34)
  header.write('data', 36, 'latin1')
  header.writeUInt32LE(bytes.length, 40)
  return Buffer.concat([header, bytes])
}

/** The samples in a RIFF file. @returns null for anything but 16 bits in one channel */
export function fromWav (file: Buffer): Samples | null {
  if (file.toString('latin1', 0, 4) !== 'RIFF' || file.toString('latin1', 8, 12) !== 'WAVE') return null
  let rateHz = 0
  // Chunks, each with its name and size before it and of an even length; every round moves on by 8 bytes at least.
  for (let at = 12; at + 8 <= file.length;) {
    const name = file.toString('latin1', at, at + 4)
    const start = at + 8
    const end = Math.min(file.length, start + file.readUInt32LE(at + 4))
    if (name === 'fmt ' && end - start >= 16) {
      const isPlain = file.readUInt16LE(start) === 1 && file.readUInt16LE(start + 2) === 1 && file.readUInt16LE(start + 14) === 16
      if (!isPlain) return null
      rateHz = file.readUInt32LE(start + 4)
    }
    if (name === 'data') return rateHz === 0 ? null : { bytes: file.subarray(start, end), rateHz }
    at = end + ((end - start) & 1)
  }
  return null
}
