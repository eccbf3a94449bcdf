import type { ErrorObject } from 'ajv'
import { allowedText } from './allowed-text.ts'
import type { ConfigProblem, ProblemList } from './config-error.ts'
import type { ConfigFile } from './config-types.ts'
import { formatPath, isObject, parsePointer, valueAt } from './json-path.ts'
import type { JsonPath } from './json-path.ts'
import { nearestName } from './nearest-name.ts'
import { describeValue, redacted } from './redact.ts'
import { childSchema, configSchema, validateSchema } from './schema.ts'
import type { SchemaNode } from './schema.ts'
import type { EnvReferences } from './substitute-env.ts'

interface ValidationContext {
  references: EnvReferences
  /** Paths that were copied from `defaults`; what is wrong there is reported at `defaults`. */
  inherited: ReadonlySet<string>
  problems: ProblemList
}

/**
 * Checks `data` against the schema and fills in the defaults, both in place. With problems, the
 * offending parts are taken out so that the later checks can still look at the rest: all problems are
 * reported at once. Null when too little is left for that.
 */
export function validateConfig (data: unknown, context: ValidationContext): ConfigFile | null {
  const { references, inherited, problems } = context
  if (validateSchema(data)) return data
  if (coerceReferences(data, validateSchema.errors ?? [], references) && validateSchema(data)) return data

  for (const error of validateSchema.errors ?? []) {
    // What is wrong with a name is reported once, by `propertyNames` itself.
    if (error.propertyName !== undefined && error.keyword !== 'propertyNames') continue
    const problem = toProblem(data, error, references)
    if (!inherited.has(problem.path)) problems.add(problem)
  }
  // Where removing the value alone does not help (something is missing inside), its parent goes too.
  for (let levelsUp = 0; levelsUp <= 2; levelsUp++) {
    for (const error of validateSchema.errors ?? []) {
      const path = offendingPath(data, error)
      removeAt(data, path.slice(0, path.length - levelsUp), error.params['type'] === 'object')
    }
    if (validateSchema(data)) return data
  }
  return null
}

/** A variable is always text: where the schema wants a number or a boolean, the text is read as one. */
function coerceReferences (data: unknown, errors: readonly ErrorObject[], references: EnvReferences): boolean {
  let changed = false
  for (const error of errors) {
    if (error.keyword !== 'type') continue
    const path = parsePointer(error.instancePath, data)
    const text = valueAt(data, path)
    if (typeof text !== 'string' || !references.has(formatPath(path))) continue
    const value = coerce(text, [error.params['type']].flat())
    if (value === undefined) continue
    const parent = valueAt(data, path.slice(0, -1))
    const last = path.at(-1)
    if (isObject(parent) && typeof last === 'string') parent[last] = value
    changed = true
  }
  return changed
}

function coerce (text: string, types: readonly unknown[]): number | boolean | undefined {
  if (types.includes('boolean') && (text === 'true' || text === 'false')) return text === 'true'
  const wantsNumber = types.includes('integer') || types.includes('number')
  return wantsNumber && /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : undefined
}

function toProblem (data: unknown, error: ErrorObject, references: EnvReferences): ConfigProblem {
  const path = offendingPath(data, error)
  const place = formatPath(path)
  const value = valueAt(data, path)
  if (error.keyword === 'additionalProperties') {
    // A misspelt name hides whether the value is secret, so text is never shown here.
    const shown = typeof value === 'string' ? redacted : describeValue(value, path)
    return { path: place, value: shown, message: unknownKeyText(String(path.at(-1)), schemaOf(error)) }
  }
  const message = error.keyword === 'propertyNames'
    ? nameText(path)
    : error.keyword === 'required'
      ? `is missing; allowed: ${allowedText(childSchema(schemaOf(error), String(path.at(-1))) ?? {})}`
      : `must be ${messageText(error)}`
  return { path: place, value: references.has(place) ? redacted : shownValue(value, path, error), message }
}

function shownValue (value: unknown, path: JsonPath, error: ErrorObject): string {
  // Text where a block should stand is likely a key that was pasted one level too high.
  const wantsBlock = /object|array/.test(String(error.params['type'] ?? ''))
  if (error.keyword === 'propertyNames') return ''
  return typeof value === 'string' && wantsBlock ? redacted : describeValue(value, path)
}

function messageText (error: ErrorObject): string {
  const node = schemaOf(error)
  if (error.keyword === 'uniqueItems') return 'a list without repetitions'
  if (error.keyword === 'maxItems') return `a list of at most ${String(error.params['limit'])} items`
  return allowedText(node)
}

function nameText (path: JsonPath): string {
  return path.includes('extra_headers')
    ? 'is not a header name'
    : 'is not a provider name: letters, digits, ".", "_" and "-" are allowed, at most 64'
}

function unknownKeyText (name: string, node: SchemaNode): string {
  const known = Object.keys(node.properties ?? {})
  const nearest = nearestName(name, known)
  const hint = nearest === null ? '' : `; did you mean ${nearest}?`
  return `unknown key${hint} Allowed: ${known.join(', ')}`.replace(/key Allowed/, 'key. Allowed')
}

/** Where the wrong value itself stands; ajv names the parent for some keywords. */
function offendingPath (data: unknown, error: ErrorObject): JsonPath {
  const path = parsePointer(error.instancePath, data)
  const params: Record<string, unknown> = error.params
  const name = params['additionalProperty'] ?? params['missingProperty'] ?? params['propertyName'] ?? error.propertyName
  return typeof name === 'string' ? [...path, name] : path
}

/** The schema that holds the keyword that failed. */
function schemaOf (error: ErrorObject): SchemaNode {
  const pointer = error.schemaPath.replace(/^#/, '').split('/').slice(0, -1).join('/')
  const root = configSchema()
  return valueAt(root, parsePointer(pointer, root)) as SchemaNode
}

/** An item that should be an object becomes an empty one, so that the items after it keep their index. */
function removeAt (data: unknown, path: JsonPath, wantsObject: boolean): void {
  const last = path.at(-1)
  const parent = valueAt(data, path.slice(0, -1))
  if (last === undefined) return
  if (!Array.isArray(parent)) {
    if (isObject(parent)) delete parent[last]
  } else if (wantsObject) parent[Number(last)] = {}
  else removeAt(data, path.slice(0, -1), false)
}
