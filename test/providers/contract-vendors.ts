import type { Dialect } from '../../src/api/dialects.ts'
import type { StreamFraming } from '../../src/api/framing.ts'
import type { JobFrame } from '../../src/api/job.ts'
import { vendors } from './chat-vendors.ts'
import type { Vendor } from './chat-vendors.ts'
import { anthropicFailures, azureFailures, bedrockFailures, cohereFailures, geminiFailures, mistralFailures, ollamaFailures, openAiFailures, vertexClaudeFailures, vertexFailures } from './contract-failures.ts'
import type { Failures } from './contract-failures.ts'
import { anthropicWire, azure, cohereWire, converseWire, googleWire, mistralWire, ollamaWire, openAi, signature } from './contract-wires.ts'
import type { Wire } from './contract-wires.ts'

type Schema = Record<string, unknown>

/** How a vendor is asked, as a part of the body that goes to it. */
interface Words {
  tool (name: string, description: string, schema: Schema): object
  image (mediaType: string, base64: string): object | string
  /** `param`: it fetches none, and the refusal names this member. */
  imageUrl: ((url: string) => object) | { param: string }
  format (name: string, schema: Schema): object
  /** What came back as a thought of a turn with these calls goes up again as this; a text says why it does not. */
  thought: ((text: string, call: { name: string, arguments: object }) => object) | string
  /** A request to think hard. */
  effort: object
}

export interface ContractVendor extends Vendor {
  wire: Wire
  words: Words
  failures: Failures
  framing: StreamFraming
  /** What the vendor's own clients speak, whose bytes go through; null where those are OpenAI's. */
  ownDialect: Dialect | null
  /** Of a reply and stream with `counts`: cached, written to the cache, thought, heard and spoken. */
  counts: readonly [number, number, number, number, number]
}

const openAiTool: Words['tool'] = (name, description, parameters) => ({ type: 'function', function: { name, description, parameters } })
const openAiImage: Words['image'] = (mediaType, base64) => ({ type: 'image_url', image_url: { url: `data:${mediaType};base64,${base64}` } })
const openAiImageUrl = (url: string): object => ({ type: 'image_url', image_url: { url } })
const openAiFormat: Words['format'] = (name, schema) => ({ type: 'json_schema', json_schema: { name, schema, strict: true } })

const anthropicWords: Words = {
  tool: (name, description, schema) => ({ name, description, input_schema: schema }),
  image: (mediaType, data) => ({ type: 'image', source: { type: 'base64', media_type: mediaType, data } }),
  imageUrl: (url) => ({ type: 'image', source: { type: 'url', url } }),
  format: (_name, schema) => ({ type: 'json_schema', schema }),
  thought: (thinking) => ({ type: 'thinking', thinking, signature }),
  effort: { type: 'enabled' }
}
const googleWords: Words = {
  tool: (name, description, parametersJsonSchema) => ({ name, description, parametersJsonSchema }),
  image: (mimeType, data) => ({ inlineData: { mimeType, data } }),
  imageUrl: (fileUri) => ({ fileData: { fileUri, mimeType: 'image/png' } }),
  format: (_name, responseJsonSchema) => ({ responseMimeType: 'application/json', responseJsonSchema }),
  thought: (_text, { name, arguments: args }) => ({ functionCall: { name, args }, thoughtSignature: signature }),
  effort: { includeThoughts: true }
}
const openAiWords: Words = {
  tool: openAiTool,
  image: openAiImage,
  imageUrl: openAiImageUrl,
  format: openAiFormat,
  thought: 'Chat Completions tell nobody what the model thought',
  effort: { reasoning_effort: 'high' }
}

const rows: Readonly<Record<string, Omit<ContractVendor, keyof Vendor | 'framing' | 'ownDialect'>>> = {
  anthropic: { wire: anthropicWire, words: anthropicWords, failures: anthropicFailures, counts: [4, 2, 3, 0, 0] },
  'vertex with claude': { wire: anthropicWire, words: anthropicWords, failures: vertexClaudeFailures, counts: [4, 2, 3, 0, 0] },
  bedrock: {
    wire: converseWire,
    failures: bedrockFailures,
    counts: [4, 2, 0, 0, 0],
    words: {
      tool: (name, description, json) => ({ toolSpec: { name, description, inputSchema: { json } } }),
      image: (mediaType, bytes) => ({ image: { format: mediaType.replace('image/', ''), source: { bytes } } }),
      imageUrl: { param: 'messages[0].content[1].image_url' },
      format: (name, schema) => ({ type: 'json_schema', structure: { jsonSchema: { schema: JSON.stringify(schema), name } } }),
      thought: (text) => ({ reasoningContent: { reasoningText: { text, signature } } }),
      effort: { type: 'enabled' }
    }
  },
  gemini: { wire: googleWire, words: googleWords, failures: geminiFailures, counts: [4, 0, 3, 1, 2] },
  'vertex with gemini': { wire: googleWire, words: googleWords, failures: vertexFailures, counts: [4, 0, 3, 1, 2] },
  cohere: {
    wire: cohereWire,
    failures: cohereFailures,
    counts: [4, 0, 3, 0, 0],
    words: {
      tool: openAiTool,
      image: openAiImage,
      imageUrl: openAiImageUrl,
      format: (_name, schema) => ({ type: 'json_object', json_schema: schema }),
      thought: (thinking) => ({ type: 'thinking', thinking }),
      effort: { thinking: { type: 'enabled' } }
    }
  },
  mistral: {
    wire: mistralWire,
    failures: mistralFailures,
    counts: [4, 0, 0, 0, 0],
    words: {
      tool: openAiTool,
      image: openAiImage,
      imageUrl: openAiImageUrl,
      format: openAiFormat,
      thought: (text) => ({ type: 'thinking', thinking: [{ type: 'text', text }], signature, closed: true }),
      effort: { reasoning_effort: 'high' }
    }
  },
  ollama: {
    wire: ollamaWire,
    failures: ollamaFailures,
    counts: [0, 0, 0, 0, 0],
    words: {
      tool: openAiTool,
      image: (_mediaType, base64) => base64,
      imageUrl: { param: 'messages[0].content[1].image_url.url' },
      format: (_name, schema) => schema,
      thought: (thinking) => ({ thinking }),
      effort: { think: 'high' }
    }
  },
  azure: { wire: azure, words: openAiWords, failures: azureFailures, counts: [4, 0, 3, 1, 2] },
  openai: { wire: openAi, words: openAiWords, failures: openAiFailures, counts: [4, 0, 3, 1, 2] }
}

const ownDialects: Readonly<Record<string, Dialect>> = { anthropic: 'anthropic', bedrock: 'bedrock', gemini: 'gemini', 'vertex with gemini': 'gemini', cohere: 'cohere', ollama: 'ollama' }

/** All ten, each with its row. */
export const contractVendors: readonly ContractVendor[] = vendors.map((vendor) => {
  const row = rows[vendor.name]
  if (row === undefined) throw new Error(`the contract has no row for ${vendor.name}`)
  const framing = row.wire === converseWire ? 'event-stream' : row.wire === ollamaWire ? 'lines' : 'sse'
  return { ...vendor, ...row, framing, ownDialect: ownDialects[vendor.name] ?? null }
})

/** The ways that a chat can take to a vendor, by who sends it: not all of them are translated. */
export function jobsOf ({ model, ownDialect }: ContractVendor, stream: boolean): readonly (Partial<JobFrame> & { name: string, body: Buffer })[] {
  const messages = [{ role: 'user', content: 'Hi' }]
  const bodyOf = (more: object): Buffer => Buffer.from(JSON.stringify({ model, messages, stream, ...more }))
  return [
    { name: 'a plain chat of an OpenAI client', stream, body: bodyOf({}) },
    { name: 'a chat with tools of an OpenAI client', stream, body: bodyOf({ tools: [{ type: 'function', function: { name: 'clock' } }] }) },
    { name: 'a client of Anthropic', stream, dialect: 'anthropic', body: bodyOf({ max_tokens: 9 }) },
    ...ownDialect === null || ownDialect === 'anthropic' ? [] : [{ name: `a client of ${ownDialect}`, stream, dialect: ownDialect, body: Buffer.from('{}') }]
  ]
}
