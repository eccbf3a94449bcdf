import { setTimeout as delay } from 'node:timers/promises'

export interface EchoTotals {
  sent: number
  /** Answers that name the model of their own request. */
  echoed: number
  /** Errors by `error.type`. */
  errors: Record<string, number>
  /** Answers that belong to another request: one was answered twice, or two were mixed up. */
  wrong: number
  /** Requests without an answer. */
  unanswered: number
  /** When the last echo arrived, by performance.now(). */
  lastEchoMs: number
}

const answerTimeoutMs = 10_000

/** Model names per client, used in turn: an answer to the request before has another name in it. */
const namesPerLoop = 4

/**
 * `loops` clients that each send one request after the other to a provider whose answer names the model
 * it was asked for. Every client asks for models of its own, so an answer that was given twice or to the
 * wrong request shows. Slower than the other loads, and it knows more.
 */
export function startEchoLoad (url: string, provider: string, loops: number): { totals: EchoTotals, stop: () => Promise<void> } {
  const totals: EchoTotals = { sent: 0, echoed: 0, errors: {}, wrong: 0, unanswered: 0, lastEchoMs: 0 }
  const state = { over: false }
  const loop = async (client: number): Promise<void> => {
    for (let turn = 0; !state.over; turn++) {
      totals.sent += 1
      const model = `echo-${client}-${turn % namesPerLoop}`
      const answer = await ask(url, `${provider}/${model}`, 'Which model are you?')
      if (answer === null) {
        totals.unanswered += 1
        await delay(20)
      } else if (answer.errorType !== null) {
        totals.errors[answer.errorType] = (totals.errors[answer.errorType] ?? 0) + 1
        await delay(5)
      } else if (answer.text.includes(`"model":"${model}"`)) {
        totals.echoed += 1
        totals.lastEchoMs = performance.now()
      } else {
        totals.wrong += 1
      }
    }
  }
  const running = Promise.all(Array.from({ length: loops }, async (_, client) => { await loop(client) }))
  return {
    totals,
    async stop () {
      state.over = true
      await running
    }
  }
}

/** Null when no answer came. */
export async function ask (url: string, model: string, question: string, headers: Record<string, string> = {}): Promise<{ text: string, errorType: string | null } | null> {
  try {
    const response = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ model, messages: [{ role: 'user', content: question }] }),
      signal: AbortSignal.timeout(answerTimeoutMs)
    })
    const text = await response.text()
    if (response.status === 200) return { text, errorType: null }
    return { text, errorType: (JSON.parse(text) as { error?: { type?: string } }).error?.type ?? `status ${response.status}` }
  } catch {
    return null
  }
}
