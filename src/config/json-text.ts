import { ConfigError } from './config-error.ts'
import { formatPath } from './json-path.ts'

/** Nesting that is accepted; deeper text is refused before it can exhaust the stack. */
const depthMax = 64

/**
 * Parses the config file. `JSON.parse` is not used for three reasons: its messages quote the text
 * around the error, which may be a key; it gives no line; and it lets `__proto__` and repeated keys
 * pass, of which the second silently drops a provider.
 */
export function parseJsonText (text: string, file: string): unknown {
  return new JsonText(text.startsWith('\uFEFF') ? text.slice(1) : text, file).parse()
}

class JsonText {
  readonly #text: string
  readonly #file: string
  /** Offset of the next character to read. */
  #at = 0
  /** Where the value being read stands; grows and shrinks with nesting. */
  readonly #path: Array<string | number> = []

  constructor (text: string, file: string) {
    this.#text = text
    this.#file = file
  }

  parse (): unknown {
    const value = this.#value()
    this.#space()
    if (this.#at < this.#text.length) this.#fail('unexpected text after the end of the JSON value')
    return value
  }

  #value (): unknown {
    this.#space()
    if (this.#path.length > depthMax) this.#fail(`nested deeper than ${depthMax} levels`)
    switch (this.#text[this.#at]) {
      case undefined: return this.#fail('unexpected end of the file')
      case '{': return this.#object()
      case '[': return this.#array()
      case '"': return this.#string()
      default: return this.#scalar()
    }
  }

  #object (): Record<string, unknown> {
    const object: Record<string, unknown> = {}
    this.#at += 1
    if (this.#takes('}')) return object
    for (;;) {
      this.#space()
      const keyAt = this.#at
      if (this.#text[this.#at] !== '"') this.#fail('expected a key in double quotes')
      const key = this.#string()
      if (key === '__proto__') this.#fail('the key "__proto__" is refused', keyAt)
      if (Object.hasOwn(object, key)) this.#fail(`the key stands twice: ${formatPath([...this.#path, key])}`, keyAt)
      if (!this.#takes(':')) this.#fail('expected ":" after the key')
      this.#path.push(key)
      object[key] = this.#value()
      this.#path.pop()
      if (this.#takes('}')) return object
      if (!this.#takes(',')) this.#fail('expected "," or "}"')
    }
  }

  #array (): unknown[] {
    const array: unknown[] = []
    this.#at += 1
    if (this.#takes(']')) return array
    for (;;) {
      this.#path.push(array.length)
      array.push(this.#value())
      this.#path.pop()
      if (this.#takes(']')) return array
      if (!this.#takes(',')) this.#fail('expected "," or "]"')
    }
  }

  #string (): string {
    // eslint-disable-next-line no-control-regex -- JSON forbids exactly these in strings
    const literal = this.#match(/"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y)
    if (literal === null) return this.#fail('a string that does not end on its line, or with a wrong escape')
    return JSON.parse(literal) as string
  }

  #scalar (): unknown {
    const literal = this.#match(/(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.+-])/y)
    if (literal === null) return this.#fail('expected a JSON value')
    return JSON.parse(literal) as unknown
  }

  #match (pattern: RegExp): string | null {
    pattern.lastIndex = this.#at
    const literal = pattern.exec(this.#text)?.[0] ?? null
    if (literal !== null) this.#at += literal.length
    return literal
  }

  #space (): void {
    while (' \t\n\r'.includes(this.#text[this.#at] ?? 'end')) this.#at += 1
  }

  /** Skips white space and then this character, if it is the next one. */
  #takes (character: string): boolean {
    this.#space()
    if (this.#text[this.#at] !== character) return false
    this.#at += 1
    return true
  }

  #fail (message: string, at = this.#at): never {
    const before = this.#text.slice(0, at).split('\n')
    const place = `line ${before.length}, column ${(before.at(-1) ?? '').length + 1}`
    throw new ConfigError([{ path: this.#file, value: '', message: `not valid JSON: ${place}: ${message}` }])
  }
}
