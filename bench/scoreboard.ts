// `npm run bench:scoreboard`: one row per fault, with the figure that it costs. docs/reliability.md says what the rows mean.
import { parseArgs } from 'node:util'
import { clearProgress, progress, writeResults } from './lib/output.ts'
import type { Check } from './lib/output.ts'
import { runMain } from './lib/run-main.ts'
import { clientGoneEarly } from './scoreboard/client-gone-early.ts'
import { clientGoneMidway } from './scoreboard/client-gone-midway.ts'
import { crossRequest } from './scoreboard/cross-request.ts'
import { fewDescriptors } from './scoreboard/few-descriptors.ts'
import { frontAbort } from './scoreboard/front-abort.ts'
import { headOfLine } from './scoreboard/head-of-line.ts'
import { neverReading } from './scoreboard/never-reading.ts'
import { rateLimitStorm } from './scoreboard/rate-limit-storm.ts'
import { reusedSocket } from './scoreboard/reused-socket.ts'
import type { RowContext, RowResult, ScoreboardRow } from './scoreboard/scoreboard-row.ts'
import { silentUpstream } from './scoreboard/silent-upstream.ts'
import { stalledMidway } from './scoreboard/stalled-midway.ts'
import { threadDeath } from './scoreboard/thread-death.ts'
import { threadLoop } from './scoreboard/thread-loop.ts'
import { truncatedStream } from './scoreboard/truncated-stream.ts'
import { unreachable } from './scoreboard/unreachable.ts'

const rows: readonly ScoreboardRow[] = [
  clientGoneEarly, clientGoneMidway, neverReading, silentUpstream, stalledMidway, truncatedStream, reusedSocket, unreachable, rateLimitStorm, threadDeath, threadLoop, frontAbort,
  fewDescriptors, headOfLine, crossRequest
]

const usage = `usage: npm run bench:scoreboard -- [--only row] [--quick]
rows: ${rows.map(({ row, fault }) => `\n  ${row} ${fault}`).join('')}`

async function main (): Promise<void> {
  const { values } = parseArgs({ options: { only: { type: 'string' }, quick: { type: 'boolean', default: false } } })
  const chosen = rows.filter(({ row }) => values.only === undefined || values.only === String(row))
  if (chosen.length === 0) throw new Error(usage)
  const results: Record<string, RowResult & { seconds: number }> = {}
  for (const row of chosen) {
    progress(`row ${row.row}: ${row.fault}`)
    const startedMs = performance.now()
    const result = await runRow(row, { quick: values.quick, onProgress: progress })
    results[row.row] = { ...result, seconds: Math.round((performance.now() - startedMs) / 100) / 10 }
  }
  clearProgress()
  console.log('| # | fault: figure | wanted | measured | |\n|---|---|---|---|---|')
  for (const [row, { checks }] of Object.entries(results)) {
    for (const { name, wanted, measured, pass } of checks) console.log(`| ${row} | ${name} | ${wanted} | ${measured} | ${pass ? 'pass' : '**FAIL**'} |`)
  }
  if (Object.values(results).some(({ checks }) => checks.some(({ pass }) => !pass))) process.exitCode = 1
  console.log(`\n${values.quick ? 'A quick run: it shows that everything works, its figures mean little.\n' : ''}written to ${writeResults('scoreboard', { quick: values.quick, results })}`)
}

/** A row that breaks off is a failed row; the others are still measured. */
async function runRow (row: ScoreboardRow, context: RowContext): Promise<RowResult> {
  try {
    return await row.run(context)
  } catch (error) {
    const failure: Check = { name: row.fault, wanted: 'a figure', measured: (error as Error).message, pass: false }
    return { checks: [failure], figures: { error: (error as Error).stack } }
  }
}

await runMain(main)
