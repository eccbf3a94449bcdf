import { buildConnector, Client } from 'undici'
import { createConnector } from '../../src/upstream/connector.ts'
import { median } from '../lib/output.ts'
import { runMain } from '../lib/run-main.ts'
import { chatRequest, startMock } from '../lib/targets.ts'

/**
 * What a request costs its thread in undici and below, system calls included: sockets of our connector against undici's own.
 * Run: node dist/bench/micro/upstream.js
 */
const connections = 64
const requestsPerRound = 40_000
const rounds = 7

type Connect = buildConnector.connector

/** @returns microseconds of CPU per request */
async function measure (clients: readonly Client[], body: Buffer): Promise<number> {
  const start = process.cpuUsage()
  await Promise.all(clients.map((client) => new Promise<void>((resolve, reject) => {
    let left = requestsPerRound / connections
    const ask = (): void => {
      client.dispatch({ path: '/v1/chat/completions', method: 'POST', headers: ['content-type', 'application/json', 'authorization', 'Bearer x'], body }, {
        onRequestStart () {},
        onResponseEnd () {
          if (--left > 0) setImmediate(ask)
          else resolve()
        },
        onResponseError (_controller, error) { reject(error) }
      })
    }
    ask()
  })))
  const { user, system } = process.cpuUsage(start)
  return (user + system) / requestsPerRound
}

await runMain(async () => {
  const mock = await startMock()
  const open = (connect: Connect): Client[] => Array.from({ length: connections }, () => new Client(`http://127.0.0.1:${mock.port}`, { connect, pipelining: 1, headersTimeout: 0, bodyTimeout: 0 }))
  const body = Buffer.from(chatRequest(mock).body)
  const kinds = [
    { name: 'ours', clients: open(createConnector({ timeout: 10_000 })), figures: [] as number[] },
    { name: 'undici', clients: open(buildConnector({})), figures: [] as number[] }
  ]
  try {
    for (let round = -1; round < rounds; round++) {
      for (const { clients, figures } of kinds) {
        const figure = await measure(clients, body)
        // The first one is for the compilers.
        if (round >= 0) figures.push(figure)
      }
    }
    for (const { name, figures } of kinds) console.log(`${name.padEnd(8)} ${median(figures).toFixed(1)} us of CPU per request (${rounds} rounds of ${requestsPerRound}, ${connections} connections)`)
  } finally {
    for (const { clients } of kinds) await Promise.all(clients.map((client) => client.destroy()))
    await mock.stop()
  }
})
