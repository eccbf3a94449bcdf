import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isEmptyObject, toSubset } from '../../src/providers/gemini/schema.ts'

const cases: [string, Record<string, unknown>, Record<string, unknown>][] = [
  ['references are written out', { type: 'object', properties: { a: { $ref: '#/$defs/a', description: 'own' } }, $defs: { a: { type: 'string', description: 'theirs' } } }, { type: 'OBJECT', properties: { a: { type: 'STRING', description: 'own' } } }],
  ['a reference into itself ends', { type: 'object', properties: { next: { $ref: '#' } } }, { type: 'OBJECT', properties: { next: { type: 'OBJECT', properties: { next: { type: 'OBJECT' } } } } }],
  ['a reference into nothing is an object', { $ref: '#/nowhere' }, { type: 'OBJECT' }],
  ['null is nullable', { type: ['integer', 'null'] }, { type: 'INTEGER', nullable: true }],
  ['several types are a union', { type: ['integer', 'string'] }, { anyOf: [{ type: 'INTEGER' }, { type: 'STRING' }] }],
  ['oneOf is anyOf, null in it nullable', { oneOf: [{ type: 'string' }, { type: 'integer' }, { type: 'null' }] }, { anyOf: [{ type: 'STRING' }, { type: 'INTEGER' }], nullable: true }],
  ['a union of one is that one', { description: 'd', anyOf: [{ type: 'string', description: 'inner' }, { type: 'null' }] }, { type: 'STRING', description: 'd', nullable: true }],
  ['allOf is merged', { allOf: [{ properties: { a: { type: 'string' } }, required: ['a'] }, { $ref: '#/$defs/b' }], $defs: { b: { properties: { b: { type: 'number' } }, required: ['b'] } } }, { type: 'OBJECT', properties: { a: { type: 'STRING' }, b: { type: 'NUMBER' } }, required: ['a', 'b'] }],
  ['a reference into itself ends in allOf, too', { anyOf: [{ allOf: [{ $ref: '#' }] }] }, {}],
  ['const is an enum of one, for texts', { const: 'x' }, { type: 'STRING', enum: ['x'] }],
  ['enums of numbers are left out', { type: 'integer', enum: [1, 2] }, { type: 'INTEGER' }],
  ['null in an enum is nullable', { type: 'string', enum: ['a', null] }, { type: 'STRING', enum: ['a'], nullable: true }],
  ['exclusive limits become the nearest ones', { type: 'integer', exclusiveMinimum: 0, exclusiveMaximum: 9 }, { type: 'INTEGER', minimum: 1, maximum: 8 }],
  ['formats of texts but date-time are left out', { type: 'object', properties: { a: { type: 'string', format: 'email' }, b: { type: 'string', format: 'date-time' }, c: { type: 'number', format: 'float' } } }, { type: 'OBJECT', properties: { a: { type: 'STRING' }, b: { type: 'STRING', format: 'date-time' }, c: { type: 'NUMBER', format: 'float' } } }],
  ['arrays have items', { type: 'array' }, { type: 'ARRAY', items: { type: 'STRING' } }],
  ['tuples are arrays of their first', { type: 'array', prefixItems: [{ type: 'integer' }, { type: 'string' }] }, { type: 'ARRAY', items: { type: 'INTEGER' } }],
  ['what the subset does not know is left out', { $schema: 'x', $id: 'y', type: 'object', properties: { a: { type: 'string', default: 'd', examples: ['e'], minLength: 1 } }, additionalProperties: false, patternProperties: {}, required: ['a', 'gone'] }, { type: 'OBJECT', properties: { a: { type: 'STRING', minLength: 1 } }, required: ['a'] }]
]

for (const [what, schema, subset] of cases) {
  test(`in the subset ${what}`, () => { assert.deepEqual(toSubset(schema), subset) })
}

test('references that multiply come to an end', () => {
  const level = (next: number): object => ({ type: 'object', properties: Object.fromEntries([...'abcdefgh'].map((name) => [name, { $ref: `#/$defs/l${next}` }])) })
  const schema = { ...level(0), $defs: Object.fromEntries(Array.from({ length: 12 }, (_value, index) => [`l${index}`, level(index + 1)])) }
  assert.ok(JSON.stringify(toSubset(schema)).length < 1_000_000)
})

test('an object of which nothing is said is empty', () => {
  for (const schema of [{}, { type: 'object' }, { type: 'object', properties: {}, additionalProperties: false, $schema: 'x' }]) {
    assert.equal(isEmptyObject(Object.fromEntries(Object.entries(schema).filter(([name]) => name !== '$schema'))), true, JSON.stringify(schema))
  }
  for (const schema of [{ $ref: '#/a' }, { anyOf: [{}] }, { type: 'object', additionalProperties: { type: 'string' } }, { properties: { a: {} } }]) assert.equal(isEmptyObject(schema), false, JSON.stringify(schema))
})
