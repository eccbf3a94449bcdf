import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, totalmem } from 'node:os'
import { join } from 'node:path'

export type Cell = string | number | null | undefined

/** Aligned text: the first column to the left, the others to the right. */
export function formatTable (headings: readonly string[], rows: ReadonlyArray<readonly Cell[]>): string {
  const lines = [headings, ...rows.map((row) => row.map(formatCell))]
  const widths = headings.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? '').length)))
  const text = lines.map((line) => line
    .map((cell, column) => column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))
    .join('  ').trimEnd())
  text.splice(1, 0, widths.map((width) => '-'.repeat(width)).join('  '))
  return text.join('\n')
}

function formatCell (cell: Cell): string {
  if (cell === null || cell === undefined) return '-'
  if (typeof cell === 'string') return cell
  if (Number.isNaN(cell)) return '-'
  const digits = Math.abs(cell) >= 100 || Number.isInteger(cell) ? 0 : Math.abs(cell) >= 10 ? 1 : 2
  return cell.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}

export interface Check {
  name: string
  wanted: string
  measured: string
  pass: boolean
}

/** Prints the checks and makes the process end with 1 when one failed. */
export function printChecks (checks: readonly Check[]): void {
  if (checks.length === 0) return
  console.log('\n' + formatTable(['target', 'wanted', 'measured', ''], checks.map((check) => [check.name, check.wanted, check.measured, check.pass ? 'pass' : 'FAIL'])))
  if (checks.some((check) => !check.pass)) process.exitCode = 1
}

/** Results of one run, with what one needs to read them later. */
export function writeResults (name: string, results: unknown): string {
  const directory = join(process.cwd(), 'bench', 'results')
  mkdirSync(directory, { recursive: true })
  const file = join(directory, `${name}-${new Date().toISOString().replaceAll(':', '-')}.json`)
  const machine = { cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length, memoryMb: Math.round(totalmem() / 2 ** 20), loadAverage: loadavg(), node: process.version }
  writeFileSync(file, JSON.stringify({ name, date: new Date().toISOString(), machine, results }, null, 2) + '\n')
  return file
}

let lineShown = false

/** One line that says what is going on; on a terminal it is overwritten in place. */
export function progress (text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[2K${text}`)
  else console.error(text)
  lineShown = true
}

export function clearProgress (): void {
  if (lineShown && process.stderr.isTTY) process.stderr.write('\r\u001b[2K')
  lineShown = false
}

export function median (values: readonly number[]): number {
  const sorted = values.filter((value) => !Number.isNaN(value)).sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle]
  if (upper === undefined) return NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2
}

export function megabytes (bytes: number): number {
  return bytes / 2 ** 20
}
