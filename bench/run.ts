// `npm run bench`: what the gateway carries on this machine. bench/README.md says what each scenario is for.
import { parseArgs } from 'node:util'
import { clearProgress, formatTable, printChecks, progress, writeResults } from './lib/output.ts'
import { runMain } from './lib/run-main.ts'
import { rowCells, rowHeadings } from './lib/scenario.ts'
import type { Scenario, ScenarioContext, ScenarioResult, TargetName } from './lib/scenario.ts'
import { largeBody } from './scenarios/large-body.ts'
import { memory } from './scenarios/memory.ts'
import { openLoop } from './scenarios/open-loop.ts'
import { overload } from './scenarios/overload.ts'
import { stream } from './scenarios/stream.ts'
import { unary } from './scenarios/unary.ts'

const scenarios: readonly Scenario[] = [unary, stream, overload, largeBody, memory, openLoop]
const targetNames: readonly TargetName[] = ['gateway', 'nginx', 'direct']

const usage = `usage: npm run bench -- [--only name] [--seconds n] [--quick] [--target gateway|nginx|direct]
scenarios: ${scenarios.map((scenario) => scenario.name).join(', ')}`

function readArguments (): { chosen: readonly Scenario[], context: ScenarioContext } {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      seconds: { type: 'string' },
      quick: { type: 'boolean', default: false },
      target: { type: 'string', default: 'gateway' }
    }
  })
  const chosen = scenarios.filter((scenario) => values.only === undefined || scenario.name === values.only)
  const targetName = targetNames.find((name) => name === values.target)
  const seconds = values.seconds === undefined ? undefined : Number(values.seconds)
  if (chosen.length === 0 || targetName === undefined || (seconds !== undefined && !(seconds > 0 && seconds <= 3600))) throw new Error(usage)
  return { chosen, context: { quick: values.quick, seconds, targetName, onProgress: progress } }
}

async function main (): Promise<void> {
  const { chosen, context } = readArguments()
  const results: Array<ScenarioResult & { name: string }> = []
  for (const scenario of chosen) {
    progress(`${scenario.name}: starting`)
    results.push({ name: scenario.name, ...await scenario.run(context) })
  }
  clearProgress()
  console.log(formatTable(rowHeadings, results.flatMap(({ rows }) => rows.map(rowCells))))
  printChecks(results.flatMap(({ checks }) => checks))
  console.log(`\n${context.quick ? 'A quick run: it shows that everything works, its figures mean little.\n' : ''}written to ${writeResults('run', { target: context.targetName, quick: context.quick, scenarios: results })}`)
}

await runMain(main)
