import fc from 'fast-check'

/** JSON's own grammar, as `JSON.parse` knows it; the value itself keeps `__proto__` keys as own ones. */
export function parsesAsObject (text: string): boolean {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
  } catch {
    return false
  }
}

const blank = fc.string({ unit: fc.constantFrom(' ', '\n', '\r', '\t'), maxLength: 3 })

/** Prints a value as JSON with the blanks in turn between its tokens, and every spelling of a character that JSON knows. */
export function printJson (value: unknown, blanks: readonly string[], escapes: readonly number[]): string {
  let nextBlank = 0
  let nextEscape = 0
  const space = (): string => blanks.length === 0 ? '' : blanks[nextBlank++ % blanks.length] as string
  const text = (string: string): string => {
    let printed = '"'
    for (let index = 0; index < string.length; index++) {
      const plain = JSON.stringify(string[index]).slice(1, -1)
      const code = string.charCodeAt(index)
      const escaped = escapes.length > 0 && escapes[nextEscape++ % escapes.length] === 1
      if (escaped) printed += `\\u${code.toString(16).padStart(4, '0')}`
      // One half of a pair alone is not UTF-8; the whole pair is printed by its first half.
      else if (code >= 0xd800 && code <= 0xdbff && isLow(string.charCodeAt(index + 1))) printed += string.slice(index, ++index + 1)
      else printed += plain
    }
    return `${printed}"`
  }
  const print = (one: unknown): string => {
    if (typeof one === 'string') return text(one)
    if (Array.isArray(one)) return `[${space()}${one.map((item) => print(item) + space()).join(`,${space()}`)}]`
    if (typeof one === 'object' && one !== null) {
      return `{${space()}${Object.entries(one).map(([key, item]) => `${text(key)}${space()}:${space()}${print(item)}${space()}`).join(`,${space()}`)}}`
    }
    return JSON.stringify(one)
  }
  return space() + print(value) + space()
}

function isLow (code: number): boolean {
  return code >= 0xdc00 && code <= 0xdfff
}

/** A JSON object with some of the names that the gateway looks for, and its text. */
export const jsonObjects = (names: readonly string[]): fc.Arbitrary<{ value: Record<string, unknown>, text: string }> => fc.tuple(
  fc.dictionary(fc.oneof({ weight: 2, arbitrary: fc.constantFrom(...names) }, fc.string({ unit: 'binary', maxLength: 8 })), fc.jsonValue({ maxDepth: 4 }), { noNullPrototype: true, maxKeys: 8 }),
  fc.array(blank, { maxLength: 7 }),
  fc.array(fc.nat(1), { maxLength: 11 })
).map(([value, blanks, escapes]) => {
  const text = printJson(value, blanks, escapes)
  return { value: JSON.parse(text) as Record<string, unknown>, text }
})
