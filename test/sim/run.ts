// `npm run sim -- --seeds 1000 [--from 0] [--seed N]`: many small worlds on a virtual clock; prints the first rule that does not hold and how to see it again.
// With BIFROST_BUG=<name> it runs on a copy of the build that has this bug (test/bugs/list.ts).
import { parseArgs } from 'node:util'
import { findBug, Nursery } from '../bugs/plant.ts'
import { simulate } from './simulation.ts'
import type { SimulationResult } from './simulation.ts'

const progressEvery = 100
/** Failing seeds after which the run ends. */
const failuresMax = 5

const { values } = parseArgs({ options: { seeds: { type: 'string', default: '1000' }, from: { type: 'string', default: '0' }, seed: { type: 'string' } } })

async function main (): Promise<void> {
  const first = toNumber('seed', values.seed ?? values.from)
  const count = values.seed === undefined ? toNumber('seeds', values.seeds) : 1
  // Stacks cost more than the errors that they belong to; one seed alone has them.
  if (count > 1) Error.stackTraceLimit = 0
  const total = { seeds: 0, requests: 0, attempts: 0, retries: 0, breakerOpenings: 0, threadsLost: 0, hedges: 0, displaced: 0, reloads: 0, events: 0, virtualMs: 0 }
  const endings: Record<string, number> = {}
  const failed: number[] = []
  const startedAtMs = performance.now()
  for (let seed = first; seed < first + count && failed.length < failuresMax; seed++) {
    const result = await simulate(seed)
    total.seeds++
    for (const name of ['requests', 'attempts', 'retries', 'breakerOpenings', 'threadsLost', 'hedges', 'displaced', 'reloads', 'events', 'virtualMs'] as const) total[name] += result[name]
    for (const [ending, number] of Object.entries(result.endings)) endings[ending] = (endings[ending] ?? 0) + number
    if (result.violation !== null) {
      failed.push(seed)
      printFailure(result)
    }
    if (count === 1) console.log(`hash ${result.hash}`)
    if (total.seeds % progressEvery === 0) console.log(`${total.seeds} seeds, ${total.requests} requests, ${failed.length} failures, ${((performance.now() - startedAtMs) / 1_000).toFixed(1)} s`)
  }
  const { seeds, requests, attempts, retries, breakerOpenings, threadsLost, hedges, displaced, reloads, events, virtualMs } = total
  console.log(`${seeds} seeds, ${(virtualMs / 3_600_000).toFixed(1)} virtual hours, ${requests} requests (${Object.entries(endings).map(([ending, number]) => `${ending} ${number}`).join(', ')}), ${attempts} attempts, ${retries} retries, ${breakerOpenings} openings of breakers, ${threadsLost} threads lost, ${hedges} hedges, ${displaced} displaced, ${reloads} reloads, ${events} events, ${failed.length} failures, ${((performance.now() - startedAtMs) / 1_000).toFixed(1)} s`)
  if (failed.length > 0) {
    console.log(`failing seeds: ${failed.join(', ')}`)
    process.exitCode = 1
  }
}

function printFailure ({ seed, violation, last }: SimulationResult): void {
  if (violation === null) return
  console.log(`\nseed ${seed} failed at ${violation.atMs.toFixed(3)} ms${violation.request < 0 ? '' : `, request ${violation.request}`}`)
  console.log(`rule: ${violation.rule}\n      ${violation.detail}\nlast events:`)
  for (const line of last) console.log(`  ${line}`)
  console.log(`again: npm run sim -- --seed ${seed}\n`)
}

function toNumber (name: string, text: string): number {
  const number = Number(text)
  if (!Number.isSafeInteger(number) || number < 0) {
    console.error(`--${name} must be a whole number from 0, not ${text}`)
    process.exit(2)
  }
  return number
}

/** The same command on a build with this bug. */
async function mainWithBug (name: string): Promise<void> {
  const bug = findBug(name)
  const nursery = new Nursery()
  try {
    nursery.plant(bug)
    const { exitCode, output } = await nursery.start(['test/sim/run.js', ...process.argv.slice(2)])
    process.stdout.write(output)
    process.exitCode = exitCode
  } finally {
    nursery.destroy()
  }
}

const bug = process.env['BIFROST_BUG'] ?? ''
await (bug === '' ? main() : mainWithBug(bug))
