import { httpLabels, upstreamLabels } from './list.ts'

export type Labels = Readonly<Record<string, string | number>>

/** UTF-16 units of one label value; the rest is cut off. */
const labelValueCharsMax = 128

/** What a label value becomes when its metric has too many series. */
export const otherLabel = 'other'

// Control characters and surrogates. Paired surrogates (emoji) are fine, but telling them apart costs
// more, and only the rare value that has some pays for it below.
const suspect = /[\u0000-\u001f\u007f-\u009f\ud800-\udfff]/ // eslint-disable-line no-control-regex
const refused = /[\p{Cc}\p{Cs}]/gu

/**
 * A label value that is safe to expose: bounded, on one line, well-formed. Model names come from
 * clients. Quotes and backslashes stay; prom-client escapes them.
 */
export function cleanLabel (value: string): string {
  if (value.length <= labelValueCharsMax && !suspect.test(value)) return value
  return value.slice(0, labelValueCharsMax).replace(refused, '_')
}

const labelName = /^[a-zA-Z_][a-zA-Z0-9_]*$/
const reserved: ReadonlySet<string> = new Set([
  ...upstreamLabels, ...httpLabels, 'status_code', 'error_type', 'is_success', 'le', 'quantile'
])

/** Throws for a custom label that would make the whole exposition invalid. */
export function checkCustomLabels (names: readonly string[]): void {
  const seen = new Set<string>()
  for (const name of names) {
    if (!labelName.test(name) || name.startsWith('__')) throw new Error(`prometheus label ${JSON.stringify(name)} is not a valid label name`)
    if (reserved.has(name)) throw new Error(`prometheus label ${JSON.stringify(name)} is already a label of Bifrost`)
    if (seen.has(name)) throw new Error(`prometheus label ${JSON.stringify(name)} is given twice`)
    seen.add(name)
  }
}
