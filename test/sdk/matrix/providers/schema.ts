/**
 * JSON Schema in short forms, for requests as their vendors publish them: no member passes that is not named.
 * What no client of these tests can ask for, tools that run at the vendor, documents and citations, is left out.
 */

export const text = { type: 'string' }
/** Text that a vendor refuses when there is nothing in it. */
export const someText = { type: 'string', pattern: '\\S' }
export const integer = { type: 'integer' }
export const boolean = { type: 'boolean' }
/** Any object: schemas and arguments of tools, which no vendor closes. */
export const anyObject = { type: 'object' }

/** An object with these members and no others. A `?` at the end of a name marks one that may be missing. */
export function object (members: Record<string, object>): object {
  const names = Object.keys(members)
  return {
    type: 'object',
    additionalProperties: false,
    required: names.filter((name) => !name.endsWith('?')),
    properties: Object.fromEntries(names.map((name) => [name.replace(/\?$/, ''), members[name]]))
  }
}

/** An object with exactly one of these members, as unions are in Google's and Amazon's formats. */
export function union (members: Record<string, object>): object {
  return { type: 'object', additionalProperties: false, minProperties: 1, maxProperties: 1, properties: members }
}

export function list (items: object, minItems = 1): object {
  return { type: 'array', minItems, items }
}

export function either (...schemas: object[]): object {
  return { anyOf: schemas }
}

export function orNull (schema: object): object {
  return { anyOf: [schema, { type: 'null' }] }
}

export function numberBetween (minimum: number, maximum: number): object {
  return { type: 'number', minimum, maximum }
}

export function oneOf (...values: string[]): object {
  return { enum: values }
}
