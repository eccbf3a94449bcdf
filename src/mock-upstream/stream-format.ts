import { chatUsage, mockCreatedSeconds, responseMessage, responseObject } from './answers.ts'
import type { MockOperation } from './operations.ts'
import type { MockRequest } from './request-body.ts'

/** The text of a stream in pieces; a frame carries its number and the moment it was sent. */
export interface StreamFormat {
  head: string
  frame(index: number, sentUs: number): string
  tail(frames: number): string
}

/** Content of one frame, `12@1016352562107;`: sequence number, then microseconds of the monotonic clock. */
function stampOf (index: number, sentUs: number): string {
  return `${index}@${sentUs};`
}

export function streamFormatOf (operation: MockOperation, request: MockRequest): StreamFormat {
  switch (operation) {
    case 'responses': return responsesFormat(request)
    case 'completions': return completionsFormat(request)
    default: return chatFormat(request)
  }
}

function chatFormat (request: MockRequest): StreamFormat {
  const chunk = { id: 'chatcmpl-mock', object: 'chat.completion.chunk', created: mockCreatedSeconds, model: request.model, system_fingerprint: 'fp_mock' }
  const data = (delta: Record<string, unknown>, finishReason: string | null): string => {
    const choices = [{ index: 0, delta, logprobs: null, finish_reason: finishReason }]
    return `data: ${JSON.stringify({ ...chunk, choices, ...(request.includeUsage ? { usage: null } : {}) })}\n\n`
  }
  // The JSON around the stamp never changes within a stream, so it is built once.
  const [before, after] = split(data({ content: mark }, null))
  return {
    head: data({ role: 'assistant', content: '', refusal: null }, null),
    frame: (index, sentUs) => before + stampOf(index, sentUs) + after,
    tail: (frames) => {
      const usage = request.includeUsage ? `data: ${JSON.stringify({ ...chunk, choices: [], usage: chatUsage(frames) })}\n\n` : ''
      return `${data({}, 'stop')}${usage}data: [DONE]\n\n`
    }
  }
}

function completionsFormat (request: MockRequest): StreamFormat {
  const chunk = { id: 'cmpl-mock', object: 'text_completion', created: mockCreatedSeconds, model: request.model }
  const data = (text: string, finishReason: string | null): string =>
    `data: ${JSON.stringify({ ...chunk, choices: [{ index: 0, text, logprobs: null, finish_reason: finishReason }] })}\n\n`
  const [before, after] = split(data(mark, null))
  return {
    head: '',
    frame: (index, sentUs) => before + stampOf(index, sentUs) + after,
    tail: (frames) => {
      const usage = request.includeUsage ? `data: ${JSON.stringify({ ...chunk, choices: [], usage: chatUsage(frames) })}\n\n` : ''
      return `${data('', 'stop')}${usage}data: [DONE]\n\n`
    }
  }
}

function responsesFormat (request: MockRequest): StreamFormat {
  const part = { item_id: 'msg_mock', output_index: 0, content_index: 0 }
  let sequence = 0
  let text = ''
  const event = (type: string, fields: Record<string, unknown>): string =>
    `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: sequence++, ...fields })}\n\n`
  return {
    head: event('response.created', { response: responseObject(request.model, null, 0) }) +
      event('response.in_progress', { response: responseObject(request.model, null, 0) }) +
      event('response.output_item.added', { output_index: 0, item: responseMessage(null) }) +
      event('response.content_part.added', { ...part, part: { type: 'output_text', text: '', annotations: [] } }),
    frame: (index, sentUs) => {
      const delta = stampOf(index, sentUs)
      text += delta
      return event('response.output_text.delta', { ...part, delta })
    },
    tail: (frames) =>
      event('response.output_text.done', { ...part, text }) +
      event('response.content_part.done', { ...part, part: { type: 'output_text', text, annotations: [] } }) +
      event('response.output_item.done', { output_index: 0, item: responseMessage(text) }) +
      event('response.completed', { response: responseObject(request.model, text, frames) })
  }
}

const mark = '\u0001'

/** Splits serialised JSON where the mark (written as an escape) stands. */
function split (data: string): [string, string] {
  const escaped = '\\u0001'
  const at = data.indexOf(escaped)
  return [data.slice(0, at), data.slice(at + escaped.length)]
}
