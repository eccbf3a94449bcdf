// `npm run bench:reliability`: what faults cost the clients of real processes. bench/README.md says what each scenario is for.
import { parseArgs } from 'node:util'
import { clearProgress, formatTable, printChecks, progress, writeResults } from './lib/output.ts'
import { runMain } from './lib/run-main.ts'
import { bulkhead } from './reliability/bulkhead.ts'
import { fallbackOutage } from './reliability/fallback-outage.ts'
import { killThread } from './reliability/kill-thread.ts'
import { overload10x } from './reliability/overload-10x.ts'
import { recovery } from './reliability/recovery.ts'
import { reload } from './reliability/reload.ts'
import type { ReliabilityResult, ReliabilityScenario } from './reliability/reliability-scenario.ts'
import { sigterm } from './reliability/sigterm.ts'

const scenarios: readonly ReliabilityScenario[] = [sigterm, killThread, recovery, overload10x, bulkhead, fallbackOutage, reload]

const usage = `usage: npm run bench:reliability -- [--only name] [--quick]
scenarios: ${scenarios.map(({ name }) => name).join(', ')}`

async function main (): Promise<void> {
  const { values } = parseArgs({ options: { only: { type: 'string' }, quick: { type: 'boolean', default: false } } })
  const chosen = scenarios.filter(({ name }) => values.only === undefined || values.only === name)
  if (chosen.length === 0) throw new Error(usage)
  const results: Record<string, ReliabilityResult> = {}
  for (const scenario of chosen) {
    progress(`${scenario.name}: starting`)
    results[scenario.name] = await scenario.run({ quick: values.quick, onProgress: progress })
  }
  clearProgress()
  for (const [name, { figures }] of Object.entries(results)) {
    console.log(formatTable([name, ''], Object.entries(figures).map(([key, value]) => [key, typeof value === 'number' ? value : JSON.stringify(value)])) + '\n')
  }
  printChecks(Object.values(results).flatMap(({ checks }) => checks))
  console.log(`\n${values.quick ? 'A quick run: it shows that everything works, its figures mean little.\n' : ''}written to ${writeResults('reliability', { quick: values.quick, results })}`)
}

await runMain(main)
