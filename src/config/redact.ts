import { isObject } from './json-path.ts'
import type { JsonPath } from './json-path.ts'

export const redacted = '<redacted>'

const shownCharsMax = 80

/** A field whose value may be a secret, judged by its name; misspelt and unknown names included. */
const secretName = /value|password|secret|token(?!s)|key(?!_less)|credential|authorization|pem|^arn$/i

/** Things that look like a key wherever they stand, for instance pasted into the wrong field. */
const secretLook = /^(bearer\s|basic\s|sk-|sk_|pk-|gsk_|xai-|pplx-|csk-|fw_|hf_|r8_|AIza|AKIA|eyJ)|-----BEGIN/i

/**
 * The value as an error message may show it. Objects and arrays are never spelled out: what is inside
 * them may be secret.
 */
export function describeValue (value: unknown, path: JsonPath): string {
  if (value === undefined) return ''
  if (value === null || typeof value === 'boolean') return String(value)
  if (Array.isArray(value)) return '[...]'
  if (isObject(value)) return '{...}'
  if (isSecretPlace(path)) return redacted
  if (typeof value === 'number') return String(value)
  const text = String(value)
  if (secretLook.test(text)) return redacted
  const shown = redactUrl(text)
  return JSON.stringify(shown.length > shownCharsMax ? `${shown.slice(0, shownCharsMax)}...` : shown)
}

/** A value as the management API shows it: secrets are gone, references to the environment stay. */
export function redactValue (value: unknown, path: JsonPath): unknown {
  if (Array.isArray(value)) return value.map((item, index) => redactValue(item, [...path, index]))
  if (isObject(value)) return Object.fromEntries(Object.entries(value).map(([name, child]) => [name, redactValue(child, [...path, name])]))
  if (typeof value !== 'string' || value === '' || /^env\.\w+$/.test(value)) return value
  return isSecretPlace(path) || secretLook.test(value) ? redacted : redactUrl(value)
}

function isSecretPlace (path: JsonPath): boolean {
  if (path.at(-2) === 'extra_headers') return true // often an Authorization header
  const name = path.findLast((step) => typeof step === 'string')
  return name !== undefined && secretName.test(name)
}

/** Takes user names, passwords and queries out of a URL; other text stays as it is. */
export function redactUrl (text: string): string {
  return text
    .replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?#]*@/i, `$1${redacted}@`)
    .replace(/^([a-z][a-z0-9+.-]*:\/\/[^?#]*)[?#].*$/i, `$1?${redacted}`)
}
