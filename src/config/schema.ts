import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
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

/** The parsed `schema.json`; read once per process. */
export function configSchema (): SchemaNode {
  schema ??= JSON.parse(readFileSync(new URL('./schema.json', import.meta.url), 'utf8')) as SchemaNode
  return schema
}

/** Checks a config and fills in defaults, in place. ajv made it out of `schema.json` when the gateway was built: to compile that would be a fifth of a start. */
export const validateSchema = createRequire(import.meta.url)('./validate-schema.cjs') as ValidateFunction<ConfigFile>

/** The schema of what stands under this name in an object. */
export function childSchema (node: SchemaNode, name: string): SchemaNode | undefined {
  if (node.properties !== undefined && Object.hasOwn(node.properties, name)) return node.properties[name]
  return typeof node.additionalProperties === 'object' ? node.additionalProperties : undefined
}
