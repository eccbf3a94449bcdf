/** Pieces of an OpenAI chat stream, each a whole event. */
const base = '"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m"'

export const doneEvent = 'data: [DONE]\n\n'

export function contentEvent (text: string): string {
  return `data: {${base},"choices":[{"index":0,"delta":{"content":${JSON.stringify(text)}},"finish_reason":null}]}\n\n`
}

export function finishEvent (): string {
  return `data: {${base},"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n`
}

export function usageEvent (inputTokens: number, outputTokens: number): string {
  return `data: {${base},"choices":[],"usage":{"prompt_tokens":${inputTokens},"completion_tokens":${outputTokens},"total_tokens":${inputTokens + outputTokens}}}\n\n`
}

/** A short complete stream. */
export const wholeStream = contentEvent('Hello') + contentEvent(' wörld') + finishEvent() + doneEvent

/** A short complete answer. */
export const wholeReply = '{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Hello"},"finish_reason":"stop"}],"usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7}}'

/** What the gateway's bytes were before it spliced `extra_fields` in. */
export function withoutExtraFields (text: string): string {
  return text.replaceAll(/,?"extra_fields":\{(?:[^{}]|\{[^{}]*\})*\}/g, '')
}

/** The error that ends a stream; null when it ends otherwise. */
export function inBandError (text: string): { message: string, type: string, code: string | null } | null {
  const last = text.trimEnd().split('\n\n').at(-1) ?? ''
  if (!last.startsWith('data: {')) return null
  return (JSON.parse(last.slice('data: '.length)) as { error?: { message: string, type: string, code: string | null } }).error ?? null
}
