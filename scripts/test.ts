// Runs the compiled tests: lists the files itself (Node 20 takes no globs), a process per file, and
// ends with the one line that CI reads. Arguments filter by path: `npm run test:only -- ring`.
import { readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { run } from 'node:test'
import { spec as Spec } from 'node:test/reporters'

const testRoot = join(import.meta.dirname, '..', 'test')
const filters = process.argv.slice(2)
const files = readdirSync(testRoot, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.test.js') && (filters.length === 0 || filters.some((filter) => file.includes(filter))))
  .sort()
  .map((file) => join(testRoot, file))

if (files.length === 0) {
  console.error(`no test file matches ${filters.join(' ')}`)
  process.exit(1)
}

let passed = 0
let failed = 0
let skipped = 0
const failures: string[] = []

const stream = run({ files, concurrency: availableParallelism(), timeout: 300_000 })
stream.on('test:pass', (event) => {
  if (event.details.type === 'suite' || isFile(event.name)) return
  if (event.skip !== undefined) skipped += 1
  else passed += 1
})
stream.on('test:fail', (event) => {
  process.exitCode = 1
  if (event.details.type === 'suite') return
  failed += 1
  failures.push(`${event.name} (${event.file ?? ''})`)
})
stream.compose(new Spec()).pipe(process.stdout)
process.on('exit', () => {
  for (const failure of failures) console.log(`failed: ${failure}`)
  console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`)
})

/** The runner reports each file as a test of its own; only what stands inside it counts. */
function isFile (name: string): boolean {
  return files.includes(name) || name.endsWith('.test.js')
}
