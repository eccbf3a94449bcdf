import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import type { View } from './traffic.ts'

interface Settled {
  lines: number
  status: number
  outcome: string
}

/** What the log has of each request that the soak sent. */
async function readLog (path: string): Promise<Map<string, Settled>> {
  const settled = new Map<string, Settled>()
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
    if (!line.includes('"msg":"request"') || !line.includes('"requestId":"soak-')) continue
    const { requestId, status, outcome } = JSON.parse(line) as { requestId: string, status: number, outcome: string }
    settled.set(requestId, { lines: (settled.get(requestId)?.lines ?? 0) + 1, status, outcome })
  }
  return settled
}

/** Requests of which client and log do not tell the same: each must have settled once, and as its client saw it. */
export async function findUnsettled (views: ReadonlyMap<string, View>, logFile: string): Promise<string[]> {
  const log = await readLog(logFile)
  const found: string[] = []
  for (const [id, view] of views) {
    const problem = problemOf(view, log.get(id))
    if (problem !== null) found.push(`${id}: ${problem} ${JSON.stringify(view)} ${JSON.stringify(log.get(id))}`)
  }
  return found
}

function problemOf ({ ending, status }: View, settled: Settled | undefined): string | null {
  // Who left may have done so before the gateway had read who it is.
  if (settled === undefined) return ending === 'left' ? null : 'no line in the log'
  if (settled.lines !== 1) return `${settled.lines} lines in the log`
  if (ending === 'left') return null
  if (settled.status !== status) return 'another status in the log'
  return (settled.outcome === 'ok') === (ending === 'ok') ? null : 'another outcome in the log'
}
