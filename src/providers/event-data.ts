import type { StreamEvent } from '../api/framing.ts'

/** @returns the event's data as JSON, null when it is not JSON */
export function parseEventData (event: StreamEvent): unknown {
  const bytes = Buffer.from(event.bytes.buffer, event.bytes.byteOffset, event.bytes.byteLength)
  const text = event.dataLines === 1 ? bytes.toString('utf8', event.dataStart, event.dataEnd) : joinDataLines(bytes.toString('utf8', event.start, event.end))
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

/** Data over several lines, joined as the standard says. */
function joinDataLines (text: string): string {
  return text.split(/\r\n|\n|\r/).filter((line) => line.startsWith('data:')).map((line) => line.slice(5).replace(/^ /, '')).join('\n')
}

/** `data: [DONE]`, OpenAI's end mark and that of many others. */
export function isDoneEvent (event: StreamEvent): boolean {
  return event.dataLines === 1 && Buffer.from(event.bytes.buffer, event.bytes.byteOffset + event.dataStart, event.dataEnd - event.dataStart).toString('latin1').trim() === '[DONE]'
}
