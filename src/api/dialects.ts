/** The wire formats that a client may speak. The names stand in job frames, logs and metrics. */
export const dialects = ['openai', 'anthropic', 'gemini', 'bedrock', 'cohere', 'ollama', 'invoke'] as const

export type Dialect = (typeof dialects)[number]
