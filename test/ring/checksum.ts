/** FNV-1a over a frame's bytes and its number. */
export function checksumOf (data: Uint8Array, start: number, end: number, sequence: number): number {
  let hash = 0x811c9dc5 ^ sequence
  for (let index = start; index < end; index++) hash = Math.imul(hash ^ (data[index] as number), 0x01000193)
  return hash >>> 0
}

/** xorshift32: repeatable from a seed other than 0. */
export function nextRandom (state: number): number {
  let next = state === 0 ? 1 : state
  next ^= next << 13
  next ^= next >>> 17
  next ^= next << 5
  return next >>> 0
}
