import type { SchemaNode } from './schema.ts'

/** What a schema allows, in words, for messages and for docs/config.md. */
export function allowedText (node: SchemaNode): string {
  if (node['x-allowed'] !== undefined) return node['x-allowed']
  if (node.enum !== undefined) return `one of: ${node.enum.join(', ')}`
  const types = [node.type ?? 'any value'].flat()
  return types.map((type) => typeText(type, node)).join(' or ')
}

function typeText (type: string, node: SchemaNode): string {
  switch (type) {
    case 'boolean': return 'true or false'
    case 'integer': return `an integer${rangeText(node)}`
    case 'number': return `a number${rangeText(node)}`
    case 'string': return `a string${lengthText(node)}`
    case 'array': return node.items?.type === undefined ? 'an array' : `an array of ${[node.items.type].flat().join(' or ')}s`
    case 'object': return 'an object'
    default: return type
  }
}

function rangeText (node: SchemaNode): string {
  const { minimum, maximum, exclusiveMinimum } = node
  if (minimum !== undefined && maximum !== undefined) return ` from ${minimum} to ${maximum}`
  if (exclusiveMinimum !== undefined) return ` above ${exclusiveMinimum}${maximum === undefined ? '' : `, at most ${maximum}`}`
  return minimum === undefined ? '' : `, at least ${minimum}`
}

function lengthText (node: SchemaNode): string {
  if (node.maxLength === undefined) return ''
  return ` of ${node.minLength ?? 0} to ${node.maxLength} characters`
}
