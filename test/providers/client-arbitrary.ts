import fc from 'fast-check'
import type { ChatRequest } from '../../src/api/chat.ts'
import { canonicalRequest } from './canonical-arbitrary.ts'
import { schema } from './google-arbitrary.ts'

/** Schemas of what tools take and answers hold; every third has the odd corners of JSON Schema. */
const parameters = fc.oneof(
  { weight: 1, arbitrary: fc.constant(undefined) },
  {
    weight: 3,
    arbitrary: fc.constantFrom<Record<string, unknown>>(
      { type: 'object', properties: {} },
      { type: 'object', properties: { city: { type: 'string', description: 'Name of the city.' }, days: { type: 'array', items: { type: 'integer', minimum: 1 } } }, required: ['city'], additionalProperties: false },
      { type: 'object', properties: { place: { $ref: '#/$defs/place' } }, $defs: { place: { type: ['string', 'null'], enum: ['Bonn', 'Köln', null] } } }
    )
  },
  { weight: 2, arbitrary: fc.tuple(schema, schema).map(([a, b]): Record<string, unknown> => ({ type: 'object', properties: { a, b }, required: ['a'], $defs: { a: { type: 'string' } } })) }
)

const toolSchemas = fc.array(parameters, { minLength: 3, maxLength: 3 })

/** Chats as a program with OpenAI's SDK sends them: random, but without what OpenAI itself refuses whoever serves it. */
export const clientChat: fc.Arbitrary<ChatRequest> = fc.tuple(canonicalRequest, toolSchemas, parameters).map(([request, schemas, answerSchema]) => {
  const { tools, tool_choice: choice, response_format: format, ...rest } = request
  const named = (tools ?? []).map((tool, index) => ({ ...tool, function: { ...tool.function, ...schemas[index] !== undefined && { parameters: schemas[index] } } }))
  const isKnown = typeof choice !== 'object' || choice === null || named.some((tool) => tool.function.name === choice.function.name)
  return withoutRefused({
    ...rest,
    ...named.length > 0 && { tools: named, ...isKnown && choice !== undefined && { tool_choice: choice } },
    ...format !== undefined && { response_format: format?.type === 'json_schema' && answerSchema !== undefined ? { type: 'json_schema', json_schema: { name: 'city', schema: answerSchema } } : format }
  })
})

/** No client of OpenAI sends blocks of others; and OpenAI refuses sound from tools, empty lists of parts, empty stop sequences and more than four of them. */
function withoutRefused ({ stop, ...request }: ChatRequest): ChatRequest {
  const messages = request.messages.map((message) => {
    if (!Array.isArray(message.content)) return message
    const content = message.content.filter((part) => part.type !== 'opaque' && !(message.role === 'tool' && part.type === 'input_audio'))
    return { ...message, content: content.length === 0 ? 'Hi' : content }
  })
  const stops = (Array.isArray(stop) ? stop : [stop]).filter((one): one is string => typeof one === 'string' && one.trim() !== '').slice(0, 4)
  return { ...request, ...stops.length > 0 && { stop: stops.length === 1 ? stops[0] as string : stops }, messages: messages as ChatRequest['messages'] }
}
