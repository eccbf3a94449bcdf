import type { JsonObject } from '../../api/chat.ts'
import { isRecord, toCamelMembers } from './members.ts'

const limits = ['minItems', 'maxItems', 'minLength', 'maxLength', 'minProperties', 'maxProperties'] as const

/** Google's subset of OpenAPI 3.0 as JSON Schema: types in lower case, `nullable` as a type, limits that protobuf writes as text as numbers. */
export function toJsonSchema (subset: JsonObject): JsonObject {
  const { nullable, type, properties, items, anyOf, propertyOrdering: _ordering, example: _example, ...rest } = toCamelMembers(subset)
  const schema: JsonObject = { ...rest }
  if (typeof type === 'string' && type !== 'TYPE_UNSPECIFIED') schema['type'] = nullable === true ? [type.toLowerCase(), 'null'] : type.toLowerCase()
  for (const limit of limits) if (typeof schema[limit] === 'string') schema[limit] = Number(schema[limit])
  if (nullable === true && Array.isArray(schema['enum'])) schema['enum'] = [...schema['enum'] as unknown[], null]
  // It says nothing beside `enum` itself.
  if (schema['format'] === 'enum') delete schema['format']
  if (isRecord(properties)) schema['properties'] = Object.fromEntries(Object.entries(properties).map(([name, member]) => [name, isRecord(member) ? toJsonSchema(member) : member]))
  if (isRecord(items)) schema['items'] = toJsonSchema(items)
  if (Array.isArray(anyOf)) {
    const union = anyOf.filter(isRecord).map(toJsonSchema)
    schema['anyOf'] = nullable === true && type === undefined ? [...union, { type: 'null' }] : union
  }
  return schema
}
