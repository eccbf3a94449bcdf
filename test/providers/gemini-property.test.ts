import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { GatewayError } from '../../src/errors.ts'
import type { ChatProvider } from '../../src/providers/family.ts'
import { createGeminiFamily } from '../../src/providers/gemini/provider.ts'
import type { Content } from '../../src/providers/gemini/wire.ts'
import { chatRequest } from './google-arbitrary.ts'
import { createContext, geminiSettings } from './google-family.ts'

const chat = createGeminiFamily(geminiSettings).chat('') as ChatProvider
const functionName = /^[A-Za-z_][A-Za-z0-9_.:-]{0,63}$/
const dataMembers = ['text', 'inlineData', 'fileData', 'functionCall', 'functionResponse']

/** What Google's documentation asks of `contents`. */
function checkContents (contents: Content[], model: string): void {
  assert.equal(contents[0]?.role, 'user')
  // The newer ones answer 400 to "requests ending with a model turn".
  if (model === 'gemini-3.6-flash') assert.ok(contents.at(-1)?.role === 'user' || contents.at(-1)?.parts.some(({ functionCall }) => functionCall !== undefined))
  for (const [index, { role, parts }] of contents.entries()) {
    const before = contents[index - 1]
    assert.ok(role === 'user' || role === 'model')
    assert.ok(parts.length > 0)
    for (const part of parts) {
      assert.equal(dataMembers.filter((name) => part[name] !== undefined).length, 1, JSON.stringify(part))
      if (part.text === '') assert.ok(part.thoughtSignature !== undefined)
      if (part.fileData !== undefined && part.fileData.fileUri !== 'x') assert.match(part.fileData.fileUri, /^https:/)
    }
    const calls = parts.flatMap((part) => (part.functionCall === undefined ? [] : [part]))
    const answers = parts.flatMap(({ functionResponse }) => (functionResponse === undefined ? [] : [functionResponse]))
    if (before?.role === role) assert.ok(before.parts.some((part) => part.functionResponse !== undefined), 'two turns of one side')
    if (calls.length > 0) {
      assert.equal(role, 'model')
      for (const { functionCall } of calls) assert.match(functionCall?.name ?? '', functionName)
      for (const { functionCall } of calls) assert.ok(!(functionCall?.id ?? '').startsWith('gemini_'))
      if (model.startsWith('gemini-3')) assert.ok(calls[0]?.thoughtSignature !== undefined)
      if (contents[index + 1] !== undefined) assert.equal(contents[index + 1]?.parts.filter((part) => part.functionResponse !== undefined).length, calls.length)
    }
    if (answers.length === 0) continue
    assert.equal(answers.length, parts.length)
    assert.deepEqual(answers.map((answer) => answer.name).sort(), before?.parts.flatMap((part) => (part.functionCall === undefined ? [] : [part.functionCall.name])).sort())
    for (const { response } of answers) assert.ok(typeof response === 'object' && response !== null && !Array.isArray(response))
  }
}

const subsetMembers = new Set(['type', 'format', 'title', 'description', 'nullable', 'enum', 'items', 'properties', 'required', 'anyOf', 'minimum', 'maximum', 'minItems', 'maxItems', 'minLength', 'maxLength', 'minProperties', 'maxProperties', 'pattern', 'propertyOrdering'])

function checkSubset (schema: Record<string, unknown>): void {
  for (const name of Object.keys(schema)) assert.ok(subsetMembers.has(name), name)
  if (schema['type'] !== undefined) assert.ok(['STRING', 'INTEGER', 'NUMBER', 'BOOLEAN', 'ARRAY', 'OBJECT'].includes(schema['type'] as string), String(schema['type']))
  if (schema['type'] === 'ARRAY') assert.ok(schema['items'] !== undefined)
  if (schema['enum'] !== undefined) assert.equal(schema['type'], 'STRING')
  const properties = (schema['properties'] ?? {}) as Record<string, Record<string, unknown>>
  for (const name of schema['required'] as string[] | undefined ?? []) assert.ok(Object.hasOwn(properties, name))
  for (const member of [...Object.values(properties), ...schema['anyOf'] as Record<string, unknown>[] | undefined ?? [], ...schema['items'] === undefined ? [] : [schema['items'] as Record<string, unknown>]]) checkSubset(member)
}

for (const model of ['gemini-2.0-flash', 'gemini-2.5-flash', 'gemini-3-pro-preview', 'gemini-3.6-flash']) {
  test(`a thousand random chats are a request that ${model} takes, or refused with the member at fault`, (t) => {
    let refused = 0
    fc.assert(fc.property(chatRequest, (request) => {
      let body
      try {
        body = JSON.parse(JSON.stringify(chat.toChatRequest(request, createContext({ model })).body)) as { contents: Content[], tools?: { functionDeclarations: Record<string, unknown>[] }[], toolConfig?: unknown, generationConfig?: Record<string, unknown> }
      } catch (error) {
        assert.ok(error instanceof GatewayError, String(error))
        assert.equal(error.code, 'BIFROST_INVALID_REQUEST')
        assert.ok(error.param !== null)
        refused++
        return
      }
      checkContents(body.contents, model)
      assert.equal(body.tools === undefined, (request.tools ?? []).length === 0)
      if (body.tools === undefined) assert.equal(body.toolConfig, undefined)
      for (const declaration of body.tools?.[0]?.functionDeclarations ?? []) {
        assert.match(declaration['name'] as string, functionName)
        if (declaration['parameters'] !== undefined) checkSubset(declaration['parameters'] as Record<string, unknown>)
      }
      if (body.generationConfig?.['responseSchema'] !== undefined) checkSubset(body.generationConfig['responseSchema'] as Record<string, unknown>)
    }), { numRuns: 1_000, seed: 20_261_125 })
    t.diagnostic(`${refused} of 1000 were refused`)
    assert.ok(refused > 50 && refused < 900, String(refused))
  })
}
