import type { FaultExchange } from '../../test/helpers/fault-upstream.ts'
import { faults } from '../../test/helpers/faults.ts'
import { contentEvent, doneEvent, finishEvent } from '../../test/helpers/sse.ts'
import { eventually, pause } from '../../test/helpers/wait.ts'
import { directChildren } from '../lib/process-tree.ts'
import { answersOk } from '../lib/processes.ts'
import { percentile } from './lanes.ts'
import type { ScoreboardRow } from './scoreboard-row.ts'
import { hungRequests, withGateway } from './setup.ts'
import type { Bench } from './setup.ts'
import { countEndings, startSteadyRequests } from './steady-requests.ts'
import type { SeenRequest } from './steady-requests.ts'

const requestsPerSecond = 200
const upstreamMs = 100
const streamMs = 500
/** Longer than a stream, so that the load is whole. */
const loadMs = 1_000
const downMsMax = 500
/** A client whose connection is gone hears so at once. */
const noticeMsMax = 500

const answerSlowly = async (exchange: FaultExchange): Promise<void> => {
  if (exchange.json.stream !== true) return await faults.latency(upstreamMs)(exchange)
  exchange.openStream()
  void exchange.write(contentEvent('first'))
  await pause(streamMs)
  void exchange.write(finishEvent() + doneEvent)
  exchange.end()
}

interface Round {
  /** From the signal to the first answer on a new connection, and to the first chat answer, whose thread has to start too. */
  downMs: number
  chatMs: number
  /** Sent before the signal, not answered by then. */
  inFlight: SeenRequest[]
  /** Sent while the front was down, and once it was back. */
  meanwhile: SeenRequest[]
  after: SeenRequest[]
  /** From the signal until the last of those in flight has its end. */
  noticeMs: number
  open: number
}

async function abortFront ({ gateway }: Bench): Promise<Round> {
  const load = startSteadyRequests(gateway.port, 'openai/m', requestsPerSecond)
  await pause(loadMs)
  // The oldest child serves, the other one is its spare.
  const [front] = directChildren(gateway.pid)
  if (front === undefined) throw new Error('the gateway has no child process: is it supervised?')
  const abortedMs = performance.now()
  process.kill(front, 'SIGABRT')
  await eventually(async () => await answersOk(`http://127.0.0.1:${gateway.port}/health`, 100) && !directChildren(gateway.pid).includes(front), 'a new connection is served')
  const downMs = performance.now() - abortedMs
  await pause(loadMs)
  await load.stop()
  const backMs = abortedMs + downMs
  const inFlight = load.seen.filter(({ sentMs, endMs }) => sentMs <= abortedMs && endMs > abortedMs)
  const later = load.seen.filter(({ sentMs }) => sentMs > abortedMs)
  return {
    downMs,
    chatMs: Math.min(...later.filter(({ ending }) => ending === 'ok').map(({ endMs }) => endMs)) - abortedMs,
    inFlight,
    meanwhile: later.filter(({ sentMs }) => sentMs <= backMs),
    after: later.filter(({ sentMs }) => sentMs > backMs),
    noticeMs: Math.max(...inFlight.map(({ endMs }) => endMs)) - abortedMs,
    open: await hungRequests(gateway)
  }
}

/** A new gateway for every kill, because a supervisor rightly waits longer after crashes that follow each other closely. */
export const frontAbort: ScoreboardRow = {
  row: 17,
  fault: 'SIGABRT of the front process under load',
  async run ({ quick, onProgress }) {
    const kills = quick ? 2 : 5
    const rounds: Round[] = []
    while (rounds.length < kills) {
      onProgress(`row 17: kill ${rounds.length + 1} of ${kills}`)
      rounds.push(await withGateway(answerSlowly, () => ({}), abortFront))
    }
    const downMs = rounds.map((round) => round.downMs)
    const { closed = 0, ...answered } = countEndings(rounds.flatMap(({ inFlight }) => inFlight))
    const meanwhile = countEndings(rounds.flatMap((round) => round.meanwhile))
    const { ok: served = 0, ...failed } = countEndings(rounds.flatMap(({ after }) => after))
    const hung = meanwhile['hung'] ?? 0
    const noticeMs = Math.max(...rounds.map((round) => round.noticeMs))
    const open = rounds.reduce((sum, round) => sum + round.open, 0)
    const most = (values: readonly number[]): string => `p50 ${percentile(values, 50).toFixed(0)}, max ${percentile(values, 100).toFixed(0)}`
    return {
      figures: { downMs, chatMs: rounds.map(({ chatMs }) => chatMs), lost: closed, answered, meanwhile, served, failed, noticeMs, open },
      checks: [
        { name: `${this.fault}, ${requestsPerSecond} RPS, ${kills} times: ms until a new connection is served`, wanted: `<= ${downMsMax}`, measured: `${most(downMs)} (a chat request: ${most(rounds.map(({ chatMs }) => chatMs))})`, pass: percentile(downMs, 100) <= downMsMax },
        { name: 'the same: requests in flight that end by a closed connection; otherwise; ms until the client has it', wanted: `all; 0; <= ${noticeMsMax}`, measured: `${(closed / kills).toFixed(1)} per kill; ${JSON.stringify(answered)}; ${noticeMs.toFixed(0)}`, pass: closed > 0 && Object.keys(answered).length === 0 && noticeMs <= noticeMsMax },
        { name: 'the same: requests once it is back that fail; requests that hang', wanted: '0; 0', measured: `${JSON.stringify(failed)} of ${served} (before it was: ${JSON.stringify(meanwhile)}); ${hung + open}`, pass: served > 0 && Object.keys(failed).length === 0 && hung + open === 0 }
      ]
    }
  }
}
