import { readFileSync } from 'node:fs'
import { Ajv } from 'ajv'
import type { ValidateFunction } from 'ajv'
import type { ConfigFile } from './config-types.ts'

/** The part of JSON Schema that `schema.json` uses, and our three notes on it. */
export interface SchemaNode {
  type?: string | string[]
  title?: string
  description?: string
  default?: unknown
  examples?: unknown[]
  enum?: unknown[]
  minimum?: number
  maximum?: number
  exclusiveMinimum?: number
  minLength?: number
  maxLength?: number
  required?: string[]
  properties?: Record<string, SchemaNode>
  additionalProperties?: boolean | SchemaNode
  items?: SchemaNode
  /** No effect yet, or a feature of the original's enterprise version. */
  'x-status'?: 'accepted' | 'enterprise'
  /** What is allowed, in words, where the keywords alone read badly. */
  'x-allowed'?: string
  /** The default in words, where it depends on something else. */
  'x-default'?: string
}

let schema: SchemaNode | null = null
let usedValidator: ValidateFunction<ConfigFile> | null = null
let fullValidator: ValidateFunction<ConfigFile> | null = null

/** The parsed `schema.json`; read once per process. */
export function configSchema (): SchemaNode {
  schema ??= JSON.parse(readFileSync(new URL('./schema.json', import.meta.url), 'utf8')) as SchemaNode
  return schema
}

/**
 * The compiled schema. Compiling is most of what a load costs and half of it goes into fields without
 * effect, so those are compiled only for a file that sets one of them.
 */
export function configValidator (setsUnusedFields: boolean): ValidateFunction<ConfigFile> {
  if (setsUnusedFields) return (fullValidator ??= compileSchema(configSchema()))
  return (usedValidator ??= compileSchema(withoutUnused(configSchema())))
}

/**
 * The checks that ajv makes on the schema itself cost more than the rest of a start, so a test makes
 * them instead; optimising the generated code costs more than one validation gains.
 */
function compileSchema (node: SchemaNode): ValidateFunction<ConfigFile> {
  return new Ajv({
    allErrors: true,
    useDefaults: true,
    messages: false,
    strict: false,
    validateSchema: false,
    meta: false,
    addUsedSchema: false,
    code: { optimize: false }
  }).compile<ConfigFile>(node)
}

/** The schema of what stands under this name in an object. */
export function childSchema (node: SchemaNode, name: string): SchemaNode | undefined {
  if (node.properties !== undefined && Object.hasOwn(node.properties, name)) return node.properties[name]
  return typeof node.additionalProperties === 'object' ? node.additionalProperties : undefined
}

/** The schema with fields without effect open, and everything at the same place as before. */
function withoutUnused (node: SchemaNode): SchemaNode {
  if (node['x-status'] !== undefined) return node.default === undefined ? {} : { default: node.default }
  const { properties, items, additionalProperties } = node
  return {
    ...node,
    ...properties === undefined ? {} : { properties: Object.fromEntries(Object.entries(properties).map(([name, child]) => [name, withoutUnused(child)])) },
    ...items === undefined ? {} : { items: withoutUnused(items) },
    ...typeof additionalProperties === 'object' ? { additionalProperties: withoutUnused(additionalProperties) } : {}
  }
}
