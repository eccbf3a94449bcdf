import type { JsonObject } from '../../api/chat.ts'
import { GatewayError } from '../../errors.ts'

/** Members in camel case: Google's APIs read `system_instruction` and `systemInstruction` alike. Only this level, since names of arguments and properties are the client's. */
export function toCamelMembers (object: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name.replace(/_([a-z])/g, (_match, letter: string) => letter.toUpperCase()), value]))
}

export function isRecord (value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** @returns an object's members, none for one that is absent */
export function membersOf (value: unknown, path: string): JsonObject {
  if (value === undefined || value === null) return {}
  if (!isRecord(value)) throw invalidRequest(path, `${path} must be an object.`)
  return toCamelMembers(value)
}

/** @returns a list, none for one that is absent; a single object counts as a list of one */
export function listOf (value: unknown, path: string): unknown[] {
  if (value === undefined || value === null) return []
  if (Array.isArray(value)) return value as unknown[]
  if (isRecord(value)) return [value]
  throw invalidRequest(path, `${path} must be an array.`)
}

/** @param param path of the member at fault, as the client wrote it but for camel case */
export function invalidRequest (param: string, message: string): GatewayError {
  return new GatewayError('BIFROST_INVALID_REQUEST', { param, message })
}
