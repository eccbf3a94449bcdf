import assert from 'node:assert/strict'
import { Agent } from 'node:http'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { createFolder, startCli } from '../cli/spawn-cli.ts'
import type { ServingCli } from '../cli/spawn-cli.ts'
import { refusedPort } from '../helpers/faults.ts'
import { chatBody } from '../helpers/gateway.ts'
import { postChat, startNginx } from '../helpers/nginx.ts'
import type { Nginx } from '../helpers/nginx.ts'
import { doneEvent } from '../helpers/sse.ts'
import { eventually, within } from '../helpers/wait.ts'

const preStopMs = 1_000
/** From the signal on, what has been answered by then was answered during the delay, however slow the machine. */
const duringDelayMs = 0.9 * preStopMs
const roundsTotal = 2
const words = 20
const text = Array.from({ length: words }, (_, index) => `w${index}`).join(' ')
/** Streams last 0.4 s: some are in progress whenever an instance ends. */
const config = {
  client: { pre_stop_delay_in_seconds: preStopMs / 1_000 },
  providers: { mock: { mock: { text, tokens: words, latency_ms: 10, tokens_per_second: 50 } } }
}

interface Load {
  answered: number
  problems: string[]
}

/** What is wrong with an answer; null when nothing is. */
async function ask (nginx: Nginx, agent: Agent | false, model: string, stream: boolean): Promise<string | null> {
  const answer = await postChat(nginx, agent, chatBody(`mock/${model}`, { stream }))
  const shown = `${answer.status} ${answer.complete ? 'complete' : 'cut'} ${answer.text.slice(-300)}`
  if (answer.status !== 200 || !answer.complete || !answer.text.includes(`"original_model_requested":"${model}"`)) return shown
  if (!stream) return (JSON.parse(answer.text) as { choices: { message: { content: string } }[] }).choices[0]?.message.content === text ? null : shown
  const said = [...answer.text.matchAll(/"delta":\{[^}]*"content":"([^"]*)"/g)].map(([, piece]) => piece).join('')
  return said === text && answer.text.endsWith(doneEvent) ? null : shown
}

/** Clients that ask one request after the other, unary and streamed in turn, some on kept connections and some on new ones. */
function startLoad (t: TestContext, nginx: Nginx): Load & { stop: () => Promise<void> } {
  const agent = new Agent({ keepAlive: true })
  const state = { answered: 0, problems: [] as string[], over: false }
  const loop = async (_: unknown, client: number): Promise<void> => {
    for (let turn = 0; !state.over; turn++) {
      const problem = await ask(nginx, client % 4 === 3 ? false : agent, `m-${client}-${turn}`, turn % 2 === 0).catch(String)
      state.answered++
      if (problem !== null) state.problems.push(`client ${client}, turn ${turn}: ${problem}`)
    }
  }
  const running = Promise.all(Array.from({ length: 16 }, loop))
  t.after(() => {
    state.over = true
    agent.destroy()
  })
  return Object.assign(state, {
    stop: async () => {
      state.over = true
      await within(running, 'the last requests are answered')
    }
  })
}

/** Null when nobody listens any more. */
async function readiness (url: string): Promise<number | null> {
  try {
    return (await fetch(`${url}/health/ready`, { headers: { connection: 'close' } })).status
  } catch {
    return null
  }
}

/** @returns whether the machine was quick enough to see requests being served while readiness failed already */
async function stopAndWatch (cli: ServingCli): Promise<boolean> {
  assert.equal(await readiness(cli.url), 200)
  const startMs = performance.now()
  const isDelay = (): boolean => performance.now() - startMs < duringDelayMs
  cli.kill('SIGTERM')
  await eventually(async () => {
    const status = await readiness(cli.url)
    assert.ok(status !== null || !isDelay(), 'it listens as long as the delay lasts')
    return status !== 200
  }, 'readiness fails')
  const answer = await postChat({ port: Number(new URL(cli.url).port) }, false, chatBody('mock/direct')).catch(() => null)
  const seen = isDelay()
  if (seen) assert.equal(answer?.status, 200, 'requests are served during the delay')
  assert.equal(await cli.exit(20_000), 0)
  return seen
}

test('two gateways behind nginx are restarted in turn, and every request is answered whole', { timeout: 120_000 }, async (t) => {
  const instances = await Promise.all([createFolder(t, config), createFolder(t, config)].map(async (folder) => {
    // Chosen beforehand: a port that the system chose when it was bound cannot be bound again at once.
    const port = await refusedPort()
    const start = (): Promise<ServingCli> => startCli(t, folder, ['start', '--port', String(port)])
    return { port, start, cli: await start() }
  }))
  const nginx = await startNginx(t, instances.map(({ port }) => port))
  const load = startLoad(t, nginx)
  const whenAnswered = async (count: number): Promise<void> => {
    const wanted = load.answered + count
    await eventually(() => load.answered >= wanted, `${count} more answers`)
  }

  let seen = 0
  for (let round = 0; round < roundsTotal; round++) {
    for (const instance of instances) {
      await whenAnswered(40)
      if (await stopAndWatch(instance.cli)) seen++
      await whenAnswered(40)
      instance.cli = await instance.start()
    }
  }
  await whenAnswered(40)
  await load.stop()

  assert.deepEqual(load.problems, [])
  assert.ok(seen > 0, 'one restart at least was seen in time')
  const log = nginx.readLog()
  assert.ok(log.every(({ status }) => status === 200))
  const passedOn = log.filter(({ upstreamStatuses }) => upstreamStatuses.length > 1)
  t.diagnostic(`${load.answered} answers over ${instances.length * roundsTotal} restarts, ${passedOn.length} of them passed on by nginx, ${passedOn.filter(({ upstreamStatuses }) => upstreamStatuses[0] === '503').length} after a 503`)
  assert.ok(passedOn.length > 0, 'nginx asked an instance that was gone')
})
