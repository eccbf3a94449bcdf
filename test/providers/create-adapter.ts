import { loadAdapters } from '../../src/translation/adapters.ts'
import type { CreateAdapter } from '../../src/translation/adapters.ts'

const kinds = ['anthropic', 'azure', 'bedrock', 'cohere', 'gemini', 'mistral', 'ollama', 'openai', 'vertex'] as const
const loaded = new Map<string, CreateAdapter>(await Promise.all(kinds.map(async (kind): Promise<[string, CreateAdapter]> => [kind, await loadAdapters(kind)])))

/** As a thread of that provider would. */
export const createAdapter: CreateAdapter = (settings, context) => (loaded.get(settings.kind) as CreateAdapter)(settings, context)
