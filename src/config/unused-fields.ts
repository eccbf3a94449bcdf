import { isDeepStrictEqual } from 'node:util'
import { isObject } from './json-path.ts'
import type { JsonPath } from './json-path.ts'
import { childSchema } from './schema.ts'
import type { SchemaNode } from './schema.ts'

interface UnusedField {
  /** With `[]` and `*` for array items and names, so that providers share one. */
  path: string
  status: SchemaNode['x-status']
  isDefault: boolean
}

/**
 * The fields that the file sets although they do nothing yet. Runs on the file as written, before
 * defaults are filled in.
 */
export function findUnusedFields (data: unknown, schema: SchemaNode): UnusedField[] {
  const found: UnusedField[] = []
  visit(data, schema, '', found)
  return found
}

/**
 * One warning for each of them, so that nobody relies on it. Fields left at their default are not
 * mentioned; the same field of several providers gives one warning.
 */
export function unusedFieldWarnings (fields: readonly UnusedField[]): string[] {
  const warnings = fields.filter((field) => !field.isDefault).map(({ path, status }) => status === 'enterprise'
    ? `${path}: enterprise feature, ignored`
    : `${path}: accepted but has no effect in this version`)
  return [...new Set(warnings)]
}

/** Names of the top-level blocks that do nothing. */
export function unusedBlocks (schema: SchemaNode): Set<string> {
  return new Set(Object.entries(schema.properties ?? {})
    .filter(([, node]) => node['x-status'] !== undefined)
    .map(([name]) => name))
}

/** Whether the field at this path, or a block around it, does nothing. */
export function hasNoEffect (path: JsonPath, schema: SchemaNode): boolean {
  let node: SchemaNode | undefined = schema
  for (const step of path) {
    node = typeof step === 'number' ? node.items : childSchema(node, step)
    if (node === undefined) return false
    if (node['x-status'] !== undefined) return true
  }
  return false
}

function visit (value: unknown, node: SchemaNode, path: string, found: UnusedField[]): void {
  if (node['x-status'] !== undefined) {
    found.push({ path, status: node['x-status'], isDefault: isDeepStrictEqual(value, node.default) })
    return
  }
  if (Array.isArray(value) && node.items !== undefined) {
    for (const item of value) visit(item, node.items, `${path}[]`, found)
  }
  if (!isObject(value)) return
  for (const [name, child] of Object.entries(value)) {
    const childNode = childSchema(node, name)
    const step = node.properties !== undefined && Object.hasOwn(node.properties, name) ? name : '*'
    if (childNode !== undefined) visit(child, childNode, path === '' ? step : `${path}.${step}`, found)
  }
}
