import type { MockRequest } from './request-body.ts'
import { createRandom } from './random.ts'

/** One unit vector per input; the same text always gives the same vector. */
export function toEmbeddingList (request: MockRequest): Array<Record<string, unknown>> {
  return request.embeddingInputs.map((input, index) => {
    const vector = toVector(input, request.embeddingDimensions)
    const embedding = request.embeddingBase64 ? toBase64(vector) : Array.from(vector)
    return { object: 'embedding', index, embedding }
  })
}

function toVector (text: string, dimensions: number): Float32Array {
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  const random = createRandom(hash)
  const vector = Float32Array.from({ length: dimensions }, () => random() - 0.5)
  const norm = Math.hypot(...vector)
  return norm === 0 ? vector : vector.map((value) => value / norm)
}

/** Little-endian float32, as OpenAI sends it whatever machine this runs on. */
function toBase64 (vector: Float32Array): string {
  const bytes = Buffer.alloc(vector.length * 4)
  vector.forEach((value, index) => bytes.writeFloatLE(value, index * 4))
  return bytes.toString('base64')
}
