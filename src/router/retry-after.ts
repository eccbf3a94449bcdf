/** Longest pause that is believed, in milliseconds. */
const pauseMsMax = 24 * 3_600_000

/** An HTTP date is the only form with letters that is not a duration. */
const duration = /^(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?$/

/**
 * How long the provider asks to be left alone: `retry-after-ms`, `retry-after` (seconds or a date), else the reset time of the
 * rate limit of which nothing remains (`x-ratelimit-reset-*`).
 * @param headers `name: value` lines joined by CR LF, names in lower case
 * @param nowEpochMs wall clock, for dates
 * @returns milliseconds, null when it does not say
 */
export function toRetryAfterMs (headers: string, nowEpochMs: number): number | null {
  if (headers === '') return null
  const values = toValues(headers)
  const asked = bounded(toNumber(values.get('retry-after-ms'))) ?? bounded(toPauseMs(values.get('retry-after'), nowEpochMs))
  return asked ?? toResetMs(values, nowEpochMs)
}

/**
 * The rest of a rate limit that a good answer used up: until its reset, the next request would be refused.
 * @returns milliseconds, null when something remains or it does not say
 */
export function toUsedUpMs (headers: string, nowEpochMs: number): number | null {
  // Looked for in every answer, and hardly ever there.
  if (!headers.includes('remaining-requests: 0') && !headers.includes('remaining-tokens: 0')) return null
  return toResetMs(toValues(headers), nowEpochMs)
}

function toValues (headers: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>()
  for (const line of headers.split('\r\n')) {
    const colon = line.indexOf(':')
    if (colon > 0) values.set(line.slice(0, colon), line.slice(colon + 1).trim())
  }
  return values
}

/** The longest of the limits of which nothing remains. */
function toResetMs (values: ReadonlyMap<string, string>, nowEpochMs: number): number | null {
  let resetMs: number | null = null
  for (const [name, value] of values) {
    if (!name.startsWith('x-ratelimit-reset')) continue
    const remaining = values.get(name.replace('reset', 'remaining'))
    if (remaining !== '0') continue
    const pauseMs = bounded(toPauseMs(value, nowEpochMs))
    if (pauseMs !== null && (resetMs === null || pauseMs > resetMs)) resetMs = pauseMs
  }
  return resetMs
}

/** Seconds, a duration like `6m0s`, seconds or milliseconds since 1970, or an HTTP date. */
function toPauseMs (text: string | undefined, nowEpochMs: number): number | null {
  if (text === undefined || text === '') return null
  const seconds = toNumber(text)
  if (seconds !== null) return seconds > 1e12 ? seconds - nowEpochMs : seconds > 1e9 ? seconds * 1_000 - nowEpochMs : seconds * 1_000
  const parts = duration.exec(text)
  if (parts !== null) {
    const [days = 0, hours = 0, minutes = 0, whole = 0, milliseconds = 0] = parts.slice(1).map((part) => Number(part ?? 0))
    return (((days * 24 + hours) * 60 + minutes) * 60 + whole) * 1_000 + milliseconds
  }
  const date = Date.parse(text)
  return Number.isNaN(date) ? null : date - nowEpochMs
}

function toNumber (text: string | undefined): number | null {
  return text !== undefined && /^\d+(\.\d+)?$/.test(text) ? Number(text) : null
}

function bounded (pauseMs: number | null): number | null {
  return pauseMs === null ? null : Math.min(pauseMsMax, Math.max(0, Math.ceil(pauseMs)))
}
