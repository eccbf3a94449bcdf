import { isDeepStrictEqual } from 'node:util'
import { expected, questions } from '../cells.ts'
import { Refusal } from '../fake-server.ts'

/** What a fake has to know of a request to answer it, in no vendor's words. */
export interface Asked {
  /** Text of the last message of the user. */
  said: string
  /** Results that the request ends with, each with its call as the client repeated it. */
  results: readonly { name: string, arguments: unknown, content: unknown }[]
  tools: readonly { name: string, schema: unknown }[]
  /** Schema of the text, when the request has one. */
  format?: unknown
  /** The one tool that the model must call. */
  forced?: string | undefined
}

export type Reply = { kind: 'failure' } | { kind: 'text', text: string } | { kind: 'call', name: string, arguments: object }

/** @throws Refusal when something of the question got lost on its way */
export function replyTo ({ said, results, tools, format, forced }: Asked): Reply {
  if (results.length > 0) {
    for (const { name, arguments: given, content } of results) {
      if (name !== expected.toolName || !isDeepStrictEqual(given, expected.toolArguments)) throw new Refusal(`the call came back as ${name} ${JSON.stringify(given)}`)
      if (!JSON.stringify(content).includes('21')) throw new Refusal(`the result of the tool is ${JSON.stringify(content)}`)
    }
    return { kind: 'text', text: expected.afterTools }
  }
  switch (said) {
    case questions.fail: return { kind: 'failure' }
    case questions.hello: return { kind: 'text', text: expected.text }
    case questions.weather: {
      const schema = JSON.stringify(tools.find(({ name }) => name === expected.toolName)?.schema ?? null)
      for (const part of ['"city"', 'Name of the city.', '"unit"', '"fahrenheit"']) {
        if (!schema.includes(part)) throw new Refusal(`the schema of the tool lacks ${part}: ${schema}`)
      }
      return { kind: 'call', name: expected.toolName, arguments: expected.toolArguments }
    }
    case questions.structured:
      if (JSON.stringify(format ?? null).includes('"degrees"')) return { kind: 'text', text: JSON.stringify(expected.structured) }
      if (forced !== undefined) return { kind: 'call', name: forced, arguments: expected.structured }
      throw new Refusal('nothing asks for JSON')
    default: throw new Refusal(`nobody asks ${JSON.stringify(said)}`)
  }
}

export function piecesOf (said: string): string[] {
  return said.split(/(?<= )/)
}

export function argumentPieces (value: object): string[] {
  return JSON.stringify(value).split(/(?<=[:,])/)
}

/** Padding of any length, as vendors add it against guesses from the length of a piece. */
export function padding (index: number): string {
  return 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'.slice(0, (index * 17) % 50 + 1)
}

/** Vectors by input. @throws Refusal for an input that nobody asks */
export function embeddingOf (input: unknown): readonly number[] {
  const index = (expected.embeddingInputs as readonly unknown[]).indexOf(input)
  if (index === -1) throw new Refusal(`nobody asks for the vector of ${JSON.stringify(input)}`)
  return expected.embeddings[index] as readonly number[]
}

/** A vector as OpenAI and those who copy it write it: numbers, or float32 in little-endian as base64. */
export function encodeEmbedding (values: readonly number[], format: unknown): readonly number[] | string {
  return format === 'base64' ? Buffer.from(new Float32Array(values).buffer).toString('base64') : values
}
