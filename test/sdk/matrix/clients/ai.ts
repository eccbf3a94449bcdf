import { APICallError, embedMany, generateText, jsonSchema, Output, stepCountIs, streamText, tool } from 'ai'
import type { EmbeddingModel, JSONSchema7, LanguageModel, LanguageModelUsage, TextStreamPart, ToolSet } from 'ai'
import { answerSchema, expected, questions, weatherSchema } from '../cells.ts'
import type { Endpoint, SdkClient } from '../cells.ts'

/** What the package `ai` needs of a vendor's package. */
export interface AiVendor {
  name: string
  model: (endpoint: Endpoint) => LanguageModel
  /** Absent where the vendor has none. */
  embeddingModel?: (endpoint: Endpoint) => EmbeddingModel
  providerOptions?: NonNullable<Parameters<typeof generateText>[0]['providerOptions']>
}

const weather = { description: 'The weather of a city.', inputSchema: jsonSchema<typeof expected.toolArguments>(weatherSchema as unknown as JSONSchema7) }
const askedTools = { [expected.toolName]: tool(weather) }
/** The package runs these by itself and sends the result back. */
const runTools = { [expected.toolName]: tool({ ...weather, execute: () => JSON.parse(expected.toolResult) as unknown }) }

/** The package `ai` with one vendor's package behind it. */
export function createAiClient ({ name, model, embeddingModel, providerOptions = {} }: AiVendor): SdkClient {
  const common = (endpoint: Endpoint): { model: LanguageModel, maxRetries: number, maxOutputTokens: number, providerOptions: NonNullable<AiVendor['providerOptions']> } => ({ model: model(endpoint), maxRetries: 0, maxOutputTokens: 100, providerOptions })
  return {
    name,
    run: {
      async text (endpoint) {
        const { text, usage } = await generateText({ ...common(endpoint), prompt: questions.hello })
        return { text, usage: toUsage(usage) }
      },
      async stream (endpoint) {
        const result = streamText({ ...common(endpoint), prompt: questions.hello, onError: quietly })
        const pieces = await countTexts(result.fullStream)
        return { text: await result.text, pieces, usage: toUsage(await result.usage) }
      },
      async tools (endpoint) {
        const { toolCalls, finishReason } = await generateText({ ...common(endpoint), prompt: questions.weather, tools: askedTools })
        if (finishReason !== 'tool-calls') throw new Error(`finishReason is ${finishReason}`)
        return { toolCalls: toolCalls.map(toCall) }
      },
      async 'tool stream' (endpoint) {
        const result = streamText({ ...common(endpoint), prompt: questions.weather, tools: askedTools, onError: quietly })
        await countTexts(result.fullStream)
        return { toolCalls: (await result.toolCalls).map(toCall) }
      },
      async 'tool results' (endpoint) {
        const { text, steps } = await generateText({ ...common(endpoint), prompt: questions.weather, tools: runTools, stopWhen: stepCountIs(2) })
        if (steps.length !== 2) throw new Error(`it took ${String(steps.length)} steps`)
        return { text }
      },
      async structured (endpoint) {
        const { output } = await generateText({ ...common(endpoint), prompt: questions.structured, output: Output.object({ schema: jsonSchema(answerSchema as unknown as JSONSchema7) }) })
        return { structured: output }
      },
      ...embeddingModel === undefined
        ? {}
        : {
            async embeddings (endpoint) {
              const { embeddings } = await embedMany({ model: embeddingModel(endpoint), values: [...expected.embeddingInputs], maxRetries: 0 })
              return { embeddings }
            }
          },
      async errors (endpoint) {
        try {
          await generateText({ ...common(endpoint), prompt: questions.fail })
        } catch (error) {
          if (!APICallError.isInstance(error)) throw error
          return { error: { status: error.statusCode ?? 0, message: error.message } }
        }
        return {}
      }
    }
  }
}

/** The package prints errors unless it has somebody to tell. */
function quietly (): void {}

/** @throws what is in the stream as an error: the promises of a result say only that nothing came */
async function countTexts (stream: AsyncIterable<TextStreamPart<ToolSet>>): Promise<number> {
  let count = 0
  for await (const part of stream) {
    if (part.type === 'error') throw part.error
    if (part.type === 'text-delta' && part.text !== '') count++
  }
  return count
}

function toUsage ({ inputTokens = 0, outputTokens = 0 }: LanguageModelUsage): { inputTokens: number, outputTokens: number } {
  return { inputTokens, outputTokens }
}

function toCall ({ toolName, input }: { toolName: string, input: unknown }): { name: string, arguments: unknown } {
  return { name: toolName, arguments: input }
}
