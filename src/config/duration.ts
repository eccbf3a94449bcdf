const unitsMs: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }
const part = /([0-9]+(?:\.[0-9]+)?)(ns|us|µs|ms|s|m|h)/g

/** @param value milliseconds, or a duration that the schema has checked: "500ms", "1.5s", "1m30s" */
export function durationToMs (value: number | string): number {
  if (typeof value === 'number') return value
  let totalMs = 0
  for (const [, amount, unit] of value.matchAll(part)) totalMs += Number(amount) * (unitsMs[unit as string] as number)
  return totalMs
}
