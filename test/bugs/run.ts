// `npm run test:bugs [-- name ...]`: plants one bug after the other in a copy of the build and runs the suite that must catch it.
import { plantedBugs } from './list.ts'
import type { Suite } from './list.ts'
import { findBug, isCaught, Nursery } from './plant.ts'

const names = process.argv.slice(2)
const bugs = names.length === 0 ? plantedBugs : names.map(findBug)
const nursery = new Nursery()
const rows: [bug: string, suite: string, result: string][] = []

try {
  await checkSound()
  for (const bug of bugs) {
    const takeOut = nursery.plant(bug)
    const run = await nursery.run(bug.suite)
    takeOut()
    const caught = isCaught(bug, run)
    if (!caught) {
      process.exitCode = 1
      console.log(run.output.split('\n').slice(-20).join('\n'))
    }
    rows.push([bug.name, toText(bug.suite), caught ? `red: ${bug.caughtBy}` : run.exitCode === 0 ? 'GREEN: not caught' : `RED FOR ANOTHER REASON, not: ${bug.caughtBy}`])
    console.log((rows.at(-1) as string[]).join('   '))
  }
} finally {
  nursery.destroy()
}
print()

/** Without a bug every suite is green: red would mean nothing otherwise. */
async function checkSound (): Promise<void> {
  const suites = new Map(bugs.map(({ suite }) => [toText(suite), suite]))
  for (const [text, suite] of suites) {
    const { exitCode, output } = await nursery.run(suite)
    if (exitCode === 0) continue
    console.log(output)
    throw new Error(`${text} is red without a planted bug`)
  }
}

function print (): void {
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => (row[column] as string).length)))
  console.log('')
  for (const [bug, suite, result] of rows) console.log(`${bug.padEnd(widths[0] as number)}  ${suite.padEnd(widths[1] as number)}  ${result}`)
  const red = rows.filter(([, , result]) => result.startsWith('red')).length
  console.log(`${red} of ${rows.length} planted bugs are caught`)
}

function toText (suite: Suite): string {
  return 'seeds' in suite ? `sim, ${suite.seeds} seeds` : `tests ${suite.tests}`
}
