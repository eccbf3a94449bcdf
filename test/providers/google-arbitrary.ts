import fc from 'fast-check'
import type { ChatMessage, ChatRequest, ContentPart } from '../../src/api/chat.ts'

/** Random canonical chats: whole ones, and such with calls or answers missing. */
const text = fc.oneof(fc.constantFrom('', 'Hi', 'Grüße', '{"a":1}', '[1]', '{broken'), fc.string({ maxLength: 12 }))
const part: fc.Arbitrary<ContentPart> = fc.oneof(
  fc.record({ type: fc.constant('text' as const), text }),
  fc.record({ type: fc.constant('text' as const), text, cache_control: fc.constant({ type: 'ephemeral' as const }) }),
  fc.record({ type: fc.constant('image_url' as const), image_url: fc.record({ url: fc.oneof({ weight: 9, arbitrary: fc.constantFrom('data:image/png;base64,aGk=', 'https://example.com/a.png') }, { weight: 1, arbitrary: fc.constantFrom('https://example.com/a', 'http://example.com/a.png', 'data:,x') }) }) }),
  fc.record({ type: fc.constant('file' as const), file: fc.oneof({ weight: 9, arbitrary: fc.constantFrom({ file_data: 'data:application/pdf;base64,aGk=' }, { file_url: 'https://example.com/a.pdf' }, { file_id: 'x' }) }, { weight: 1, arbitrary: fc.constant({}) }) }),
  fc.record({ type: fc.constant('input_audio' as const), input_audio: fc.record({ data: fc.constant('aGk='), format: fc.constant('wav') }) }),
  fc.record({ type: fc.constant('opaque' as const), dialect: fc.constantFrom('anthropic', 'bedrock'), value: fc.constant({}) })
)
const content = fc.oneof(text, fc.array(part, { maxLength: 3 }))
const name = fc.oneof(fc.constantFrom('weather', 'a-b.c', 'mcp/x y', '9lives', 'é'), fc.string({ minLength: 1, maxLength: 70 }))
const details = fc.array(fc.oneof(
  fc.record({ type: fc.constant('reasoning.text' as const), text, signature: fc.constantFrom(null, 'c2ln'), format: fc.constantFrom('gemini', 'anthropic') }),
  fc.record({ type: fc.constant('reasoning.summary' as const), summary: text, format: fc.constant('openai-responses') }),
  fc.record({ type: fc.constant('reasoning.encrypted' as const), data: fc.constant('ZGF0YQ=='), format: fc.constantFrom('gemini', 'anthropic') })
), { maxLength: 3 })

/** An assistant's turn, with an answer for each call but, now and then, for one. */
const turn: fc.Arbitrary<ChatMessage[]> = fc.record({ content: fc.oneof(content, fc.constant(null)), details, names: fc.array(name, { maxLength: 3 }), answers: fc.array(content, { minLength: 3, maxLength: 3 }), seed: fc.nat(), forgets: fc.nat({ max: 9 }) }).map(
  ({ content, details, names, answers, seed, forgets }) => [
    {
      role: 'assistant' as const,
      content,
      ...details.length === 0 ? {} : { reasoning_details: details },
      ...names.length === 0 ? {} : { tool_calls: names.map((name, index) => ({ id: index === 1 ? `gemini_${seed}` : `call_${seed}_${index}`, type: 'function' as const, function: { name, arguments: index === 0 ? '' : '{"a":[1]}' } })) }
    },
    ...names.map((_name, index) => ({ role: 'tool' as const, tool_call_id: index === 1 ? `gemini_${seed}` : `call_${seed}_${index}`, content: answers[index] as string })).slice(forgets === 0 ? 1 : 0)
  ])
const messages = fc.array(fc.oneof(
  { weight: 4, arbitrary: content.map((value): ChatMessage[] => [{ role: 'user', content: value }]) },
  { weight: 1, arbitrary: content.map((value): ChatMessage[] => [{ role: 'system', content: value }]) },
  { weight: 4, arbitrary: turn }
), { maxLength: 6 }).map((turns) => turns.flat())

export const schema = fc.letrec<{ schema: Record<string, unknown> }>((tie) => ({
  schema: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.record({ type: fc.constantFrom('string', 'integer', 'boolean', 'null', ['string', 'null'], ['integer', 'string']) }),
    fc.record({ enum: fc.constantFrom(['a', 'b'], [1, 2], ['a', null]) }),
    fc.record({ $ref: fc.constantFrom('#', '#/$defs/a', '#/gone', 'https://example.com/x') }),
    fc.record({ type: fc.constant('array'), items: tie('schema') }),
    fc.record({ anyOf: fc.array(tie('schema'), { maxLength: 2 }) }),
    fc.record({ allOf: fc.array(tie('schema'), { maxLength: 2 }) }),
    fc.record({ type: fc.constant('object'), properties: fc.dictionary(fc.constantFrom('a', 'b', 'toString'), tie('schema'), { maxKeys: 2 }), required: fc.constant(['a', 'z']), $defs: fc.record({ a: tie('schema') }) })
  )
})).schema

export const chatRequest: fc.Arbitrary<ChatRequest> = fc.record({
  model: fc.constant('m'),
  messages,
  tools: fc.option(fc.array(fc.record({ type: fc.constant('function' as const), function: fc.record({ name, parameters: fc.option(schema) }) }), { maxLength: 3 })),
  tool_choice: fc.option(fc.oneof(fc.constantFrom('auto' as const, 'none' as const, 'required' as const), name.map((name) => ({ type: 'function' as const, function: { name } })))),
  max_tokens: fc.option(fc.nat()),
  stop: fc.option(fc.oneof(text, fc.array(text, { maxLength: 3 }))),
  reasoning_effort: fc.option(fc.constantFrom('none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'odd')),
  response_format: fc.option(fc.oneof(fc.constant({ type: 'json_object' as const }), schema.map((schema) => ({ type: 'json_schema' as const, json_schema: { name: 'x', schema } })))),
  user: fc.option(fc.constant('u'))
})
