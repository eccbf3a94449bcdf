import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Ajv } from 'ajv'
import { generateConfigFiles } from '../../scripts/generate-config.ts'
import { generateErrorFiles } from '../../scripts/generate-errors.ts'
import { generateOutcomeFiles } from '../../scripts/generate-outcomes.ts'
import { loadConfig } from '../../src/config/load.ts'
import type { SchemaNode } from '../../src/config/schema.ts'
import { load } from './load-text.ts'

const root = process.cwd() // the runner starts in the root of the repository
const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const schema = JSON.parse(read('src/config/schema.json')) as SchemaNode

test('the generated files are up to date: npm run generate', async () => {
  const files = { ...await generateConfigFiles(), ...await generateErrorFiles(), ...await generateOutcomeFiles() }
  assert.deepEqual(Object.keys(files).sort(), ['docs/config.md', 'docs/errors.md', 'docs/outcomes.md', 'src/config/config-types.ts'])
  for (const [path, content] of Object.entries(files)) assert.equal(read(path), content, path)
})

test('the schema is valid and means what it says', () => {
  const ajv = new Ajv({ strict: true, allowUnionTypes: true, allErrors: true, useDefaults: true, keywords: ['x-status', 'x-allowed', 'x-default'] })
  ajv.compile(schema)
})

test('every property has a title, a description and an example, and a type', () => {
  let count = 0
  const visit = (node: SchemaNode, path: string): void => {
    for (const [name, child] of Object.entries(node.properties ?? {})) {
      count += 1
      const at = `${path}.${name}`
      assert.ok(child.title, `${at} has no title`)
      assert.match(child.description ?? '', /\.$/, `${at} has no description`)
      assert.ok(Array.isArray(child.examples) || child.properties !== undefined, `${at} has no example`)
      assert.ok(child.type, `${at} has no type`)
      if (child['x-status'] === 'accepted') assert.match(child.description ?? '', /no effect/, at)
      visit(child, at)
    }
    if (node.items !== undefined) visit(node.items, `${path}[]`)
    if (typeof node.additionalProperties === 'object') visit(node.additionalProperties, `${path}.*`)
  }
  visit(schema, '')
  assert.ok(count > 150, String(count))
})

test('every field named in seconds, bytes, milliseconds or megabytes says its unit', () => {
  const units: Array<[RegExp, RegExp]> = [[/_in_seconds$/, /In seconds\./], [/_bytes$/, /In bytes/], [/_ms$/, /In milliseconds\./], [/_mb$/, /In MiB\./]]
  const visit = (node: SchemaNode): void => {
    for (const [name, child] of Object.entries(node.properties ?? {})) {
      for (const [suffix, unit] of units) if (suffix.test(name)) assert.match(child.description ?? '', unit, name)
      visit(child)
    }
    if (node.items !== undefined) visit(node.items)
    if (typeof node.additionalProperties === 'object') visit(node.additionalProperties)
  }
  visit(schema)
})

test('the checked-in config loads without any variable', () => {
  const { settings, warnings } = loadConfig({ path: join(root, 'bifrost.config.json'), environment: {}, overrides: {}, generation: 1 })
  assert.deepEqual(warnings, [])
  assert.deepEqual(settings.providers.map(({ name, unavailableReason }) => [name, unavailableReason]), [
    ['mock', null],
    ['openai', 'no key: set OPENAI_API_KEY'],
    ['groq', 'no key: set GROQ_API_KEY'],
    ['mistral', 'no key: set MISTRAL_API_KEY'],
    ['deepseek', 'no key: set DEEPSEEK_API_KEY'],
    ['openrouter', 'no key: set OPENROUTER_API_KEY'],
    ['xai', 'no key: set XAI_API_KEY'],
    ['together', 'no key: set TOGETHER_API_KEY'],
    ['fireworks', 'no key: set FIREWORKS_API_KEY'],
    ['cerebras', 'no key: set CEREBRAS_API_KEY'],
    ['perplexity', 'no key: set PERPLEXITY_API_KEY'],
    ['nebius', 'no key: set NEBIUS_API_KEY'],
    ['parasail', 'no key: set PARASAIL_API_KEY'],
    ['ollama', null]
  ])
})

test('the full example of docs/config.md loads', () => {
  const example = /```json\n([\s\S]*?)```/.exec(read('docs/config.md'))?.[1]
  const { settings, warnings } = load(example, { OPENAI_API_KEY: 'a' })
  assert.deepEqual(settings.providers.map(({ name, threads, unavailableReason }) => ({ name, threads, unavailableReason })), [
    { name: 'openai', threads: 2, unavailableReason: null },
    { name: 'ollama', threads: 2, unavailableReason: null },
    { name: 'my-llm', threads: 2, unavailableReason: 'no key: set MY_LLM_KEY' },
    { name: 'mock', threads: 2, unavailableReason: null }
  ])
  assert.deepEqual(warnings, ['providers.openai.keys[1]: OPENAI_API_KEY_2 is not set, this key is not used'])
})

test('defaults and providers share the limits of what is inherited', () => {
  const provider = schema.properties?.['providers']?.additionalProperties as SchemaNode
  for (const [name, node] of Object.entries(schema.properties?.['defaults']?.properties ?? {})) {
    const own = provider.properties?.[name]
    assert.deepEqual({ ...own, description: '' }, { ...node, description: '' }, name)
  }
})
