import { setTimeout as delay } from 'node:timers/promises'

export interface EchoTotals {
  sent: number
  /** Answers that carry the text of their own request. */
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

/**
 * `loops` clients that each send one numbered question after the other to a model that echoes, so that
 * an answer given twice or to the wrong request shows. Slower than the other loads, and it knows more.
 */
export function startEchoLoad (url: string, model: string, loops: number): { totals: EchoTotals, stop: () => Promise<void> } {
  const totals: EchoTotals = { sent: 0, echoed: 0, errors: {}, wrong: 0, unanswered: 0, lastEchoMs: 0 }
  const state = { over: false }
  const loop = async (): Promise<void> => {
    while (!state.over) {
      totals.sent += 1
      const question = `question-${totals.sent}-end`
      const answer = await ask(url, model, question)
      if (answer === null) {
        totals.unanswered += 1
        await delay(20)
      } else if (answer.errorType !== null) {
        totals.errors[answer.errorType] = (totals.errors[answer.errorType] ?? 0) + 1
        await delay(5)
      } else if (answer.text.includes(question)) {
        totals.echoed += 1
        totals.lastEchoMs = performance.now()
      } else {
        totals.wrong += 1
      }
    }
  }
  const running = Promise.all(Array.from({ length: loops }, loop))
  return {
    totals,
    async stop () {
      state.over = true
      await running
    }
  }
}

/** Null when no answer came. */
export async function ask (url: string, model: string, question: string): Promise<{ text: string, errorType: string | null } | null> {
  try {
    const response = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
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
