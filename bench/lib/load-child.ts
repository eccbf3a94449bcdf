// Entry of the load process: takes one load over IPC, reports its phases, answers with the result.
import { autocannonLoad } from './autocannon-load.ts'
import { closedLoop } from './closed-loop.ts'
import type { LoadEvents } from './closed-loop.ts'
import type { LoadMessage, LoadOptions } from './load.ts'
import { openLoop } from './open-loop.ts'
import { steadyLoad } from './steady-load.ts'
import { sseStreams } from './sse-streams.ts'

/** @returns when the message has left: a long one takes a while */
const post = (message: LoadMessage): Promise<void> => new Promise((resolve) => { process.send?.(message, undefined, undefined, () => { resolve() }) })

const events: LoadEvents = {
  onMeasureStart () { void post({ type: 'measure-start' }) },
  onMeasureEnd () { void post({ type: 'measure-end' }) },
  onProgress (count) { void post({ type: 'progress', count }) }
}

async function run (options: LoadOptions): Promise<unknown> {
  switch (options.kind) {
    case 'autocannon': return await autocannonLoad(options, events)
    case 'closed-loop': return await closedLoop(options, events)
    case 'open-loop': return await openLoop(options, events)
    case 'steady': return await steadyLoad(options, events)
    case 'streams': return await sseStreams(options, events)
  }
}

process.once('message', (options: LoadOptions) => {
  run(options)
    .then((result) => post({ type: 'result', result }), (error: unknown) => post({ type: 'failed', message: String((error as Error).stack) }))
    .finally(() => { process.disconnect() })
})
// The bench has gone: so does its load.
process.once('disconnect', () => { process.exit() })
