// Preload of the gateway under test (`NODE_OPTIONS=--import`): in its front processes, whoever connects to the Unix socket with
// the process id at its end gets figures taken after a collection. The gateway itself knows nothing of it.
import { createServer } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { isMainThread } from 'node:worker_threads'
import { takeProcessFigures } from '../../test/helpers/process-figures.ts'
import type { ProcessFigures } from '../../test/helpers/process-figures.ts'

export interface Figures extends ProcessFigures {
  pid: number
}

function listen (socketPath: string): void {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const server = createServer((socket) => {
    socket.on('error', () => {})
    // The connection that asks is one of the handles.
    void takeProcessFigures(collect).then((figures) => { socket.end(JSON.stringify({ ...figures, pid: process.pid })) })
  })
  server.listen(socketPath)
  server.unref()
}

const socketPath = process.env['BIFROST_SOAK_SOCKET']
if (isMainThread && socketPath !== undefined && process.argv[1]?.endsWith('front.js') === true) listen(`${socketPath}.${process.pid}`)
