import { isObject } from './json-path.ts'
import { childSchema } from './schema.ts'
import type { SchemaNode } from './schema.ts'

const fields = new Set(['value', 'env_var', 'from_env'])

/**
 * The original also writes a secret as `{"value": "", "env_var": "env.NAME", "from_env": true}`. Turns
 * each of them that stands where the schema wants a string into that string, in place.
 */
export function flattenSecretObjects (value: unknown, node: SchemaNode): void {
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) value[index] = flattenChild(item, node.items)
  } else if (isObject(value)) {
    for (const [name, child] of Object.entries(value)) value[name] = flattenChild(child, childSchema(node, name))
  }
}

function flattenChild (value: unknown, node: SchemaNode | undefined): unknown {
  if (node === undefined) return value
  const text = isObject(value) && [node.type].flat().includes('string') ? secretText(value) : null
  if (text !== null) return text
  flattenSecretObjects(value, node)
  return value
}

/** Null for what is another kind of object; the schema says what is wrong with it. */
function secretText (object: Record<string, unknown>): string | null {
  const { value = '', env_var: variable = '', from_env: fromEnvironment } = object
  const names = Object.keys(object)
  if (names.length === 0 || !names.every((name) => fields.has(name))) return null
  if (typeof value !== 'string' || typeof variable !== 'string' || !['boolean', 'undefined'].includes(typeof fromEnvironment)) return null
  if (fromEnvironment === false || variable === '') return value
  return variable.startsWith('env.') ? variable : `env.${variable}`
}
