import type { Check } from '../lib/output.ts'

export interface RowContext {
  /** Short: shows that everything works, its figures mean little. */
  quick: boolean
  onProgress: (text: string) => void
}

export interface RowResult {
  /** One per line of the table. */
  checks: Check[]
  figures: Record<string, unknown>
}

/** A fault and what it may cost. The numbers are those that docs/reliability.md uses. */
export interface ScoreboardRow {
  row: number
  fault: string
  run: (context: RowContext) => Promise<RowResult>
}
