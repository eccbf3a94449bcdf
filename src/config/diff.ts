import { isDeepStrictEqual } from 'node:util'
import { formatPath, isObject } from './json-path.ts'
import type { JsonPath } from './json-path.ts'
import { describeValue } from './redact.ts'

/** One value that two configurations have differently. */
export interface ConfigChange {
  path: string
  /** As text, `<redacted>` where it could be a secret; empty where it was not there. */
  before: string
  /** Empty where it is not there any more. */
  after: string
}

/** Changes that are told one by one. */
const changesMax = 1_000

/** What differs, in the order of the file; at most 1,000 of them. Items of lists are told apart by `id` or `name` where they have one. */
export function diffConfig (before: unknown, after: unknown): ConfigChange[] {
  const changes: ConfigChange[] = []
  visit(before, after, [], changes)
  return changes
}

function visit (before: unknown, after: unknown, path: JsonPath, changes: ConfigChange[]): void {
  if (changes.length >= changesMax || isDeepStrictEqual(before, after)) return
  if (isObject(before) && isObject(after)) {
    for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) visit(before[name], after[name], [...path, name], changes)
  } else if (isNamedList(before) && isNamedList(after)) {
    const [known, wanted] = [byName(before), byName(after)]
    for (const name of new Set([...known.keys(), ...wanted.keys()])) visit(known.get(name), wanted.get(name), [...path, name], changes)
    // The same items in another order: `keys` are drawn by weight, but the first one also names the provider's address.
    if (changes.length === 0 || !changes.some((change) => change.path.startsWith(formatPath(path)))) changes.push({ path: formatPath(path), before: '[...]', after: 'another order' })
  } else changes.push({ path: formatPath(path), before: describeValue(before, path), after: describeValue(after, path) })
}

function isNamedList (value: unknown): value is Record<string, unknown>[] {
  return Array.isArray(value) && value.every((item) => isObject(item) && nameOf(item) !== null)
}

function nameOf (item: Record<string, unknown>): string | null {
  const name = item['id'] ?? item['name']
  return typeof name === 'string' ? name : null
}

function byName (items: readonly Record<string, unknown>[]): Map<string, unknown> {
  return new Map(items.map((item) => [nameOf(item) as string, item]))
}
