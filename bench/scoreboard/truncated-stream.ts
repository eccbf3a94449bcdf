import type { Framing } from '../../test/helpers/fault-upstream.ts'
import { faults, tokens } from '../../test/helpers/faults.ts'
import { doneEvent, finishEvent, inBandError } from '../../test/helpers/sse.ts'
import { inLanes } from './lanes.ts'
import type { ScoreboardRow } from './scoreboard-row.ts'
import { askOnce, httpProvider, hungRequests, withGateway } from './setup.ts'

const tokenCount = 60
const lanes = 16
const events = tokens(tokenCount)
const wholeBytes = Buffer.byteLength(events.join('') + finishEvent() + doneEvent)
const framings: Record<string, Framing> = { chunked: 'chunked', 'connection: close': 'close', 'content-length': wholeBytes }

interface Result {
  silent: number
  tokensLost: number
  statusErrors: number
  inBandErrors: number
  /** The answers that took the place of tokens. */
  lostTo: string[]
}

/** What comes before the FIN: so many whole events, and for every second cut half of the next one. */
function partOf (cut: number): { whole: number, text: string } {
  const whole = cut % (tokenCount + 1)
  const half = cut % 2 === 1 ? (events[whole] ?? finishEvent()).slice(0, 40) : ''
  return { whole, text: events.slice(0, whole).join('') + half }
}

/** Streams that end before their finish. The client must not take any of them for complete, and must have what came before. */
export const truncatedStream: ScoreboardRow = {
  row: 6,
  fault: 'upstream FIN without a finish or [DONE]',
  async run ({ quick, onProgress }) {
    const cuts = quick ? 2 * (tokenCount + 1) : 1_000
    return await withGateway((exchange) => {
      const [framing = '', cut = ''] = exchange.json.model.split('|')
      return faults.cut(partOf(Number(cut)).text, framings[framing] as Framing)(exchange)
    }, (url) => ({ providers: { up: httpProvider(url) } }), async ({ gateway }) => {
      const results: Record<string, Result> = {}
      for (const framing of Object.keys(framings)) {
        onProgress(`row 6: ${framing}`)
        const result: Result = { silent: 0, tokensLost: 0, statusErrors: 0, inBandErrors: 0, lostTo: [] }
        results[framing] = result
        await inLanes(lanes, cuts, async (cut) => {
          const { response } = await askOnce(gateway.port, `up/${framing}|${cut}`, { stream: true })
          const { whole } = partOf(cut)
          if (response.status !== 200) {
            result.statusErrors++
            result.tokensLost += whole
            if (whole > 0) result.lostTo.push(`${whole}: ${response.text}`)
            return
          }
          if (response.text.includes('[DONE]') || inBandError(response.text) === null) result.silent++
          else result.inBandErrors++
          result.tokensLost += whole - response.text.split('"content":"').length + 1
        })
      }
      const hung = await hungRequests(gateway)
      return {
        figures: { cuts, results, hung },
        checks: Object.entries(results).map(([framing, { silent, tokensLost, statusErrors, inBandErrors }]) => ({
          name: `${this.fault}, ${framing}, ${cuts} cuts: taken for complete; tokens lost`,
          wanted: '0; 0',
          measured: `${silent}; ${tokensLost} (${inBandErrors} errors in the stream, ${statusErrors} error statuses before it)`,
          pass: silent === 0 && tokensLost === 0 && inBandErrors + statusErrors === cuts && hung === 0
        }))
      }
    })
  }
}
