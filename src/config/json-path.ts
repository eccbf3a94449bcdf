/** Steps from the root of the config file to a value. */
export type JsonPath = ReadonlyArray<string | number>

/** `['providers', 'openai', 'keys', 0]` becomes `providers.openai.keys[0]`. */
export function formatPath (path: JsonPath): string {
  let text = ''
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`
    else if (/^[\w$-]+$/.test(step)) text += text === '' ? step : `.${step}`
    else text += `[${JSON.stringify(step)}]`
  }
  return text === '' ? '(top level)' : text
}

/** The steps of a JSON pointer, with array indexes as numbers where `root` has an array. */
export function parsePointer (pointer: string, root: unknown): JsonPath {
  const path: Array<string | number> = []
  let value = root
  for (const part of pointer.split('/').slice(1)) {
    const name = decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~')
    const step = Array.isArray(value) ? Number(name) : name
    path.push(step)
    value = childOf(value, step)
  }
  return path
}

export function valueAt (root: unknown, path: JsonPath): unknown {
  return path.reduce<unknown>(childOf, root)
}

function childOf (value: unknown, step: string | number): unknown {
  if (Array.isArray(value)) return typeof step === 'number' ? value[step] : undefined
  return isObject(value) && Object.hasOwn(value, step) ? value[step] : undefined
}

export function isObject (value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
