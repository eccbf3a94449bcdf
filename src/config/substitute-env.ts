import type { ProblemList } from './config-error.ts'
import type { Environment } from './environment.ts'
import { formatPath, isObject } from './json-path.ts'
import type { SchemaNode } from './schema.ts'
import { hasNoEffect, unusedBlocks } from './unused-fields.ts'

const reference = /^env\.([A-Za-z_][A-Za-z0-9_]*)$/

/** Dotted path of each value that was an `env.NAME` reference, to the variable's name. */
export type EnvReferences = Map<string, string>

/**
 * Replaces `env.NAME` strings in place. An unset variable at a key's `value` becomes the empty string
 * (that key is not used), in a key's cloud block and in a field without effect it is taken out; anywhere else it is a problem.
 * Top-level blocks without effect are not looked into, so their secrets are not read either.
 */
export function substituteEnv (root: unknown, environment: Environment, schema: SchemaNode, problems: ProblemList): EnvReferences {
  const skip = unusedBlocks(schema)
  const references: EnvReferences = new Map()
  const replace = (text: string, path: Array<string | number>): string | undefined => {
    const name = reference.exec(text)?.[1]
    if (name === undefined) return text
    const place = formatPath(path)
    references.set(place, name)
    const value = Object.hasOwn(environment, name) ? environment[name] : undefined // not `toString`
    if (value !== undefined) return value
    if (isKeyValue(path)) return ''
    if (isInCloudBlock(path)) return undefined
    if (hasNoEffect(path, schema)) return undefined
    problems.add({ path: place, value: JSON.stringify(text), message: `the environment variable ${name} is not set` })
    return undefined
  }
  walk(root, [], (text, path) => path.length > 0 && skip.has(String(path[0])) ? text : replace(text, path))
  return references
}

const awsKeys: ReadonlySet<unknown> = new Set(['access_key', 'secret_key', 'session_token'])

/** `providers.<name>.keys[<index>].value`, and what stands in for it at Amazon */
function isKeyValue (path: ReadonlyArray<string | number>): boolean {
  if (path[0] !== 'providers' || path[2] !== 'keys') return false
  return (path.length === 5 && path[4] === 'value') || (path.length === 6 && path[4] === 'bedrock_key_config' && awsKeys.has(path[5]))
}

/** What a key of a cloud needs beside its value: without it that key is not used. */
function isInCloudBlock (path: ReadonlyArray<string | number>): boolean {
  return path.length > 5 && path[0] === 'providers' && path[2] === 'keys' && path[4] === 'azure_key_config'
}

/** Calls `replace` for every string below `value`; what it gives undefined for is taken out. */
function walk (value: unknown, path: Array<string | number>, replace: (text: string, path: Array<string | number>) => string | undefined): void {
  const entries: Array<[string | number, unknown]> = Array.isArray(value)
    ? [...value.entries()]
    : isObject(value) ? Object.entries(value) : []
  for (const [step, child] of entries) {
    path.push(step)
    if (typeof child === 'string') assign(value, step, replace(child, path))
    else walk(child, path, replace)
    path.pop()
  }
}

function assign (parent: unknown, step: string | number, text: string | undefined): void {
  if (Array.isArray(parent)) parent[Number(step)] = text ?? ''
  else if (isObject(parent)) {
    if (text === undefined) delete parent[step]
    else parent[step] = text
  }
}
