/** A vector as OpenAI's API encodes it: base64 of little-endian float32. */
export function toBase64Floats (vector: readonly number[]): string {
  const bytes = Buffer.allocUnsafe(vector.length * 4)
  for (let index = 0; index < vector.length; index++) bytes.writeFloatLE(vector[index] as number, index * 4)
  return bytes.toString('base64')
}
