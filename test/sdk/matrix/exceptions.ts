import type { Feature } from './cells.ts'

interface Exception {
  client: string
  /** Of all providers but these. */
  but: readonly string[]
  features: readonly Feature[]
  reason: string
}

/** Cells that no gateway could make green: what the SDK sends or demands is not what the dialect's other clients do. */
const exceptions: readonly Exception[] = []

/** @returns why a cell is left out; null when it has to be green */
export function reasonOf (client: string, provider: string, feature: Feature): string | null {
  return exceptions.find((exception) => exception.client === client && !exception.but.includes(provider) && exception.features.includes(feature))?.reason ?? null
}
