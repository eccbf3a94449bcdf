import type { JsonObject } from '../../api/chat.ts'

/**
 * JSON Schema in the subset of OpenAPI 3.0 that older models take: no references, no unions but `anyOf`, one type, uppercase. What has no
 * place there is left out, so that a value that fits the original fits the result, but not always the other way round.
 */
export function toSubset (schema: JsonObject): JsonObject {
  return convert(schema, { root: schema, schemasLeft: schemasMax }, [])
}

/** Whether there is nothing to say about the object: Gemini refuses an OBJECT without properties. */
export function isEmptyObject (schema: JsonObject): boolean {
  return Object.keys(isRecord(schema['properties']) ? schema['properties'] : {}).length === 0 && !combining.some((name) => typeof schema[name] === 'object' || typeof schema[name] === 'string')
}

const combining = ['anyOf', 'oneOf', 'allOf', '$ref', 'additionalProperties', 'patternProperties', 'items', 'enum']

/** Most schemas within one: references that are written out multiply. */
const schemasMax = 2_000
/** Most references that lead from one to the next. */
const referencesMax = 32

interface Conversion {
  readonly root: JsonObject
  schemasLeft: number
}

/** Members that mean the same in both. */
const kept = ['title', 'description', 'nullable', 'minItems', 'maxItems', 'minLength', 'maxLength', 'minProperties', 'maxProperties', 'pattern', 'minimum', 'maximum', 'propertyOrdering']
const formats: ReadonlySet<unknown> = new Set(['enum', 'date-time', 'int32', 'int64', 'float', 'double'])

/** @param path the references that are being followed; one that leads back into itself ends there */
function convert (schema: JsonObject, conversion: Conversion, path: readonly string[]): JsonObject {
  if (conversion.schemasLeft-- <= 0) return { type: 'OBJECT' }
  const reference = schema['$ref']
  if (typeof reference === 'string') {
    const target = follow(reference, conversion, path)
    if (target === null) return pick(schema, ['title', 'description'], { type: 'OBJECT' })
    const { $ref: _reference, ...own } = schema
    return convert({ ...target, ...own }, conversion, [...path, reference])
  }
  const { merged, followed } = mergeAll(schema, conversion, path)
  const result = pick(merged, kept, {})
  addUnion(merged, result, conversion, followed)
  addType(merged, result, conversion, followed)
  addLimits(merged, result)
  addMembers(merged, result, conversion, followed)
  return result
}

function pick (from: JsonObject, names: readonly string[], into: JsonObject): JsonObject {
  for (const name of names) if (from[name] !== undefined) into[name] = from[name]
  return into
}

/** @returns null for a reference that leads nowhere, or back */
function follow (reference: string, conversion: Conversion, path: readonly string[]): JsonObject | null {
  return path.includes(reference) || path.length >= referencesMax ? null : resolve(reference, conversion.root)
}

function resolve (reference: string, root: JsonObject): JsonObject | null {
  if (reference === '#') return root
  if (!reference.startsWith('#/')) return null
  let value: unknown = root
  for (const step of reference.slice(2).split('/')) {
    value = isRecord(value) ? value[step.replaceAll('~1', '/').replaceAll('~0', '~')] : undefined
  }
  return isRecord(value) ? value : null
}

/** `allOf` as one schema: properties and required of all, of other members the last one; and the references on the way. */
function mergeAll (schema: JsonObject, conversion: Conversion, path: readonly string[]): { merged: JsonObject, followed: readonly string[] } {
  const { allOf, ...own } = schema
  if (!Array.isArray(allOf)) return { merged: schema, followed: path }
  let merged: JsonObject = {}
  let followed = path
  for (const part of [...allOf.filter(isRecord), own]) {
    const reference = part['$ref']
    const target = typeof reference === 'string' ? follow(reference, conversion, followed) ?? {} : part
    const flat = mergeAll(target, conversion, typeof reference === 'string' ? [...followed, reference] : followed)
    followed = flat.followed
    merged = mergeTwo(merged, flat.merged)
  }
  return { merged, followed }
}

function mergeTwo (first: JsonObject, second: JsonObject): JsonObject {
  const merged: JsonObject = { ...first, ...second }
  if (isRecord(first['properties']) && isRecord(second['properties'])) merged['properties'] = { ...first['properties'], ...second['properties'] }
  if (Array.isArray(first['required']) && Array.isArray(second['required'])) merged['required'] = [...first['required'], ...second['required']] as unknown[]
  return merged
}

function addUnion (schema: JsonObject, result: JsonObject, conversion: Conversion, path: readonly string[]): void {
  const union = [schema['anyOf'], schema['oneOf']].find(Array.isArray)?.filter(isRecord)
  if (union === undefined) return
  const rest = union.filter((member) => member['type'] !== 'null')
  if (rest.length < union.length) result['nullable'] = true
  const members = rest.map((member) => convert(member, conversion, path))
  if (members.length === 1) Object.assign(result, members[0], pick(result, ['nullable', 'description'], {}))
  else if (members.length > 1) result['anyOf'] = members
}

function addType (schema: JsonObject, result: JsonObject, conversion: Conversion, path: readonly string[]): void {
  const types = (Array.isArray(schema['type']) ? schema['type'] : [schema['type'] ?? impliedType(schema)]).filter((type): type is string => typeof type === 'string')
  const rest = types.filter((type) => type.toLowerCase() !== 'null')
  if (rest.length < types.length) result['nullable'] = true
  if (rest.length === 1) result['type'] = (rest[0] as string).toUpperCase()
  else if (rest.length > 1) result['anyOf'] = rest.map((type) => convert({ ...pick(schema, ['items', 'properties', 'required', 'enum'], {}), type }, conversion, path))
}

function impliedType (schema: JsonObject): string | undefined {
  if (isRecord(schema['properties'])) return 'object'
  if (schema['items'] !== undefined || schema['prefixItems'] !== undefined) return 'array'
  const { const: constant, enum: values } = schema
  return typeof constant === 'string' || (Array.isArray(values) && values.some((value) => typeof value === 'string')) ? 'string' : undefined
}

/** Enums only of texts; exclusive limits as the nearest inclusive ones. */
function addLimits (schema: JsonObject, result: JsonObject): void {
  const values = schema['const'] === undefined ? schema['enum'] : [schema['const']]
  if (Array.isArray(values)) {
    if (values.includes(null)) result['nullable'] = true
    const texts = values.filter((value) => typeof value === 'string')
    if (result['type'] === 'STRING' && texts.length > 0) result['enum'] = texts
  }
  if (formats.has(schema['format']) && !(result['type'] === 'STRING' && String(schema['format']) !== 'date-time' && schema['format'] !== 'enum')) result['format'] = schema['format']
  const step = result['type'] === 'INTEGER' ? 1 : 0
  if (typeof schema['exclusiveMinimum'] === 'number') result['minimum'] = schema['exclusiveMinimum'] + step
  if (typeof schema['exclusiveMaximum'] === 'number') result['maximum'] = schema['exclusiveMaximum'] - step
}

function addMembers (schema: JsonObject, result: JsonObject, conversion: Conversion, path: readonly string[]): void {
  if (isRecord(schema['properties']) && Object.keys(schema['properties']).length > 0 && result['type'] === 'OBJECT') {
    const properties = Object.fromEntries(Object.entries(schema['properties']).map(([name, member]) => [name, isRecord(member) ? convert(member, conversion, path) : {}]))
    result['properties'] = properties
    const required = Array.isArray(schema['required']) ? schema['required'].filter((name) => typeof name === 'string' && Object.hasOwn(properties, name)) : []
    if (required.length > 0) result['required'] = [...new Set(required)]
  }
  if (result['type'] !== 'ARRAY') return
  const items = [schema['items'], schema['prefixItems']].flat().find(isRecord)
  // Gemini asks for items; texts are what an array of anything most often holds.
  result['items'] = items === undefined || Object.keys(items).length === 0 ? { type: 'STRING' } : convert(items, conversion, path)
}

function isRecord (value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
