import type { Feature } from './cells.ts'

interface Exception {
  client: string
  /** Of all providers but these. */
  but: readonly string[]
  features: readonly Feature[]
  reason: string
}

/** Cells that the SDK itself keeps from being green, each pinned by a test in `clients.test.ts`: what it sends or demands is not what OpenAI's API is. */
const exceptions: readonly Exception[] = [
  { client: 'mistral', but: ['mistral'], features: ['stream'], reason: 'the SDK asks for no usage' },
  { client: 'mistral', but: ['mistral', 'gemini', 'vertex', 'ollama', 'ollama, native'], features: ['tool stream'], reason: 'the SDK wants the name in every delta' },
  { client: 'mistral', but: ['mistral', 'anthropic', 'bedrock', 'gemini', 'vertex', 'cohere', 'ollama, native'], features: ['tool results'], reason: 'the SDK sends members of Mistral only' },
  { client: 'mistral', but: ['mistral'], features: ['embeddings'], reason: 'the SDK wants an id' }
]

/** @returns why a cell is left out; null when it has to be green */
export function reasonOf (client: string, provider: string, feature: Feature): string | null {
  return exceptions.find((exception) => exception.client === client && !exception.but.includes(provider) && exception.features.includes(feature))?.reason ?? null
}
