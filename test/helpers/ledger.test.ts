import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { startFaultUpstream } from './fault-upstream.ts'
import { ok } from './faults.ts'
import { Ledger } from './ledger.ts'
import type { ClientView } from './ledger.ts'

const logLine = (requestId: string, more: object = {}): string => JSON.stringify({ requestId, status: 200, outcome: 'ok', provider: 'up', msg: 'request', ...more })

/** A ledger of one request that an upstream has answered `asked` times, and what the client saw of it. */
async function start (t: TestContext, asked = 1): Promise<{ ledger: Ledger, mark: string, view: ClientView }> {
  const ledger = new Ledger()
  const mark = ledger.issue()
  const upstream = await startFaultUpstream(t, ledger.watch('up', ok))
  let text = ''
  for (let count = 0; count < asked; count++) {
    const response = await fetch(upstream.url, { method: 'POST', body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content: mark }] }) })
    text = await response.text()
  }
  return { ledger, mark, view: { ending: 'ok', status: 200, servedBy: 'up', text } }
}

test('the ledger accepts a request that client, log and upstream agree about', async (t) => {
  const { ledger, mark, view } = await start(t)
  ledger.settle(mark, view)
  ledger.readLog(logLine(mark))
  ledger.check({ attemptsMax: 1 })
  assert.deepEqual(ledger.totals(), { ok: 1, refused: 0, broken: 0, left: 0, attempts: 1 })
})

const planted: [problem: RegExp, asked: number, settle: (ledger: Ledger, mark: string, view: ClientView) => void, log: (mark: string) => string][] = [
  [/0 endings/, 1, () => {}, logLine],
  [/2 endings/, 1, (ledger, mark, view) => { ledger.settle(mark, view); ledger.settle(mark, view) }, logLine],
  [/too many attempts/, 3, (ledger, mark, view) => { ledger.settle(mark, view) }, (mark) => logLine(mark, { attempts: 3 })],
  [/does not know of/, 2, (ledger, mark, view) => { ledger.settle(mark, view) }, logLine],
  [/bytes of Z0ZZZ/, 1, (ledger, mark, view) => { ledger.settle(mark, { ...view, text: `${view.text} Z0ZZZ` }) }, logLine],
  [/does not belong/, 1, (ledger, mark, view) => { ledger.settle(mark, { ...view, text: '' }) }, logLine],
  [/0 lines/, 1, (ledger, mark, view) => { ledger.settle(mark, view) }, () => ''],
  [/2 lines/, 1, (ledger, mark, view) => { ledger.settle(mark, view) }, (mark) => `${logLine(mark)}\n${logLine(mark)}`],
  [/another status/, 1, (ledger, mark, view) => { ledger.settle(mark, view) }, (mark) => logLine(mark, { status: 502 })],
  [/another outcome/, 1, (ledger, mark, view) => { ledger.settle(mark, view) }, (mark) => logLine(mark, { outcome: 'BIFROST_INTERNAL' })],
  [/who served/, 1, (ledger, mark, view) => { ledger.settle(mark, { ...view, servedBy: 'other' }) }, logLine]
]
for (const [problem, asked, settle, log] of planted) {
  test(`the ledger finds: ${problem.source}`, async (t) => {
    const { ledger, mark, view } = await start(t, asked)
    settle(ledger, mark, view)
    ledger.readLog(log(mark))
    assert.throws(() => { ledger.check({ attemptsMax: 2 }) }, problem)
  })
}
