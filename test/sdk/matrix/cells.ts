/** What every SDK asks of every provider. */
export const features = ['text', 'stream', 'tools', 'tool stream', 'tool results', 'structured', 'embeddings', 'errors'] as const
export type Feature = (typeof features)[number]

/** What the client is to see. The fakes say it in their own wire formats, written by hand. */
export const expected = {
  text: 'Hello from the provider.',
  toolName: 'get_weather',
  toolArguments: { city: 'Paris', unit: 'celsius' },
  toolResult: '{"degrees":21}',
  afterTools: 'It is 21 degrees in Paris.',
  structured: { city: 'Paris', degrees: 21 },
  /** Exact as float32, so that every encoding gives them back. */
  embeddings: [[0.25, -0.5, 1], [0.125, 2, -4]],
  embeddingInputs: ['one', 'two'],
  usage: { inputTokens: 11, outputTokens: 7 },
  errorStatus: 429,
  errorMessage: 'slow down, please'
} as const

/** What the user says decides what a fake answers. */
export const questions = {
  hello: 'Say hello.',
  weather: 'What is the weather in Paris?',
  structured: 'Give me the weather in Paris as JSON.',
  fail: 'Please fail.'
} as const

export const weatherSchema = {
  type: 'object',
  properties: { city: { type: 'string', description: 'Name of the city.' }, unit: { type: 'string', enum: ['celsius', 'fahrenheit'] } },
  required: ['city', 'unit'],
  additionalProperties: false
} as const

export const answerSchema = {
  type: 'object',
  properties: { city: { type: 'string' }, degrees: { type: 'number' } },
  required: ['city', 'degrees'],
  additionalProperties: false
} as const

/** An answer as its SDK gave it to the program, in one shape for all SDKs. */
export interface Answer {
  text?: string
  toolCalls?: { name: string, arguments: unknown }[]
  structured?: unknown
  embeddings?: number[][]
  usage?: { inputTokens: number, outputTokens: number }
  /** Pieces in which a stream came; more than one shows that it was one. */
  pieces?: number
  error?: { status: number, message: string }
}

export interface Endpoint {
  /** Root of the gateway, without a path. */
  url: string
  /** `provider/model` as the client writes it. */
  model: string
  embeddingModel: string
}

/** A vendor's SDK, unmodified. A feature that is missing is one that the SDK does not have. */
export interface SdkClient {
  name: string
  run: Partial<Record<Feature, (endpoint: Endpoint) => Promise<Answer>>>
}
