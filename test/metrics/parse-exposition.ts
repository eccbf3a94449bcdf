/** A small parser of the Prometheus text format, written against its specification and not against prom-client. */
export interface ParsedSample {
  name: string
  labels: Record<string, string>
  value: number
}

export interface Exposition {
  types: Map<string, string>
  samples: ParsedSample[]
}

export function parseExposition (text: string): Exposition {
  const exposition: Exposition = { types: new Map(), samples: [] }
  if (!text.endsWith('\n')) throw new Error('the last line must end with a line feed')
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('# HELP ')) continue
    if (line.startsWith('# TYPE ')) {
      const [name, type] = line.slice(7).split(' ')
      if (exposition.types.has(name!)) throw new Error(`second TYPE line for ${name}`)
      exposition.types.set(name!, type!)
      continue
    }
    exposition.samples.push(parseSample(line))
  }
  return exposition
}

function parseSample (line: string): ParsedSample {
  const name = /^[a-zA-Z_:][a-zA-Z0-9_:]*/.exec(line)?.[0]
  if (name === undefined) throw new Error(`no metric name: ${line}`)
  const labels: Record<string, string> = {}
  let rest = line.slice(name.length)
  if (rest.startsWith('{')) {
    rest = rest.slice(1)
    while (!rest.startsWith('}')) {
      const match = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\[\\n"])*)"(,(?!})|(?=}))/.exec(rest)
      if (match === null) throw new Error(`bad labels at ${rest}`)
      if (Object.hasOwn(labels, match[1]!)) throw new Error(`label twice: ${match[1]}`)
      labels[match[1]!] = match[2]!.replace(/\\(.)/g, (_, escaped: string) => escaped === 'n' ? '\n' : escaped)
      rest = rest.slice(match[0].length)
    }
    rest = rest.slice(1)
  }
  const value = /^ (\S+)$/.exec(rest)?.[1]
  if (value === undefined) throw new Error(`no value: ${line}`)
  return { name, labels, value: value === '+Inf' ? Infinity : Number(value) }
}

/** The samples of one name whose labels include the given ones. */
export function select (exposition: Exposition, name: string, labels: Record<string, string> = {}): ParsedSample[] {
  return exposition.samples.filter((sample) => sample.name === name &&
    Object.entries(labels).every(([label, value]) => sample.labels[label] === value))
}

/** The value of the one sample that matches. */
export function valueOf (exposition: Exposition, name: string, labels: Record<string, string> = {}): number {
  const found = select(exposition, name, labels)
  if (found.length !== 1) throw new Error(`${found.length} samples of ${name} ${JSON.stringify(labels)}`)
  return found[0]!.value
}
