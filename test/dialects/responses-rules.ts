import assert from 'node:assert/strict'
import { createParser } from 'eventsource-parser'

export interface ResponseEvent { type: string, sequence_number: number, [member: string]: unknown }
interface Item { id: string, type: string, status?: string, content?: Part[], summary?: Part[], arguments?: string, call_id?: string, name?: string, role?: string }
interface Part { type: string, text?: string, refusal?: string, annotations?: unknown[] }
interface OpenPart { kind: 'content' | 'summary', index: number, type: string, said: string, isFinal: boolean, annotations: number }
interface OpenItem { item: Item, parts: number, summaries: number, part: OpenPart | null, arguments: string, argumentsDone: boolean, done: boolean }

/** Events of a stream by the reference parser; there may be no end mark. */
export function eventsOf (bytes: Uint8Array): ResponseEvent[] {
  const list: ResponseEvent[] = []
  createParser({
    onEvent: ({ event, data }) => {
      const parsed = JSON.parse(data) as ResponseEvent
      if (event !== undefined) assert.equal(event, parsed.type)
      list.push(parsed)
    }
  }).feed(new TextDecoder().decode(bytes))
  return list
}

/** What OpenAI's documentation says about the order of the events of a Response; the test of its own recordings shows that it holds there. */
export function checkEvents (events: readonly ResponseEvent[]): void {
  const items: OpenItem[] = []
  assert.deepEqual(events.slice(0, 2).map(({ type }) => type), ['response.created', 'response.in_progress'])
  for (const [index, event] of events.entries()) {
    assert.equal(event.sequence_number, index)
    const isEnd = ['response.completed', 'response.incomplete', 'response.failed'].includes(event.type)
    assert.equal(isEnd, index === events.length - 1, `${event.type} at ${index} of ${events.length}`)
    if (index < 2) checkHead(event)
    else if (isEnd) checkEnd(event, items)
    else checkInner(event, items)
  }
}

function checkHead ({ response }: ResponseEvent): void {
  const { status, output, object } = response as { status: string, output: unknown[], object: string }
  assert.deepEqual([object, status, output], ['response', 'in_progress', []])
}

function checkEnd ({ type, response }: ResponseEvent, items: readonly OpenItem[]): void {
  const { status, output, incomplete_details: details, usage } = response as { status: string, output: Item[], incomplete_details: { reason: string } | null, usage: Record<string, unknown> | null }
  assert.equal(`response.${status}`, type)
  assert.ok(items.every(({ done }) => done), 'every item is done')
  assert.deepEqual(output.map((item) => item.id), items.map(({ item }) => item.id))
  assert.equal(new Set(output.map((item) => item.id)).size, output.length)
  if (status === 'incomplete') assert.ok(['max_output_tokens', 'content_filter'].includes(String(details?.reason)))
  else assert.equal(details, null)
  if (usage === null) return
  const { input_tokens: input, output_tokens: said, total_tokens: total } = usage
  assert.equal(total, (input as number) + (said as number))
  assert.equal(typeof (usage['input_tokens_details'] as { cached_tokens: unknown }).cached_tokens, 'number')
  assert.equal(typeof (usage['output_tokens_details'] as { reasoning_tokens: unknown }).reasoning_tokens, 'number')
}

function checkInner (event: ResponseEvent, items: OpenItem[]): void {
  const { type, output_index: outputIndex } = event
  if (type === 'response.output_item.added') {
    assert.equal(outputIndex, items.length, 'items are added in order')
    items.push(openItem(event['item'] as Item))
    return
  }
  const open = items[outputIndex as number]
  assert.ok(open !== undefined && !open.done, `${type} of an item that is open`)
  if (type === 'response.output_item.done') {
    checkDone(event['item'] as Item, open)
    return
  }
  assert.equal(event['item_id'], open.item.id)
  if (type.startsWith('response.function_call_arguments.')) checkArguments(event, open)
  else checkPart(event, open)
}

function openItem (item: Item): OpenItem {
  assert.ok(typeof item.id === 'string' && item.id !== '')
  if (item.type === 'message') assert.deepEqual([item.status, item.role, item.content], ['in_progress', 'assistant', []])
  if (item.type === 'function_call') {
    assert.ok(item.call_id && item.name, 'a call is announced with call_id and name')
    assert.deepEqual([item.status, item.arguments], ['in_progress', ''])
  }
  return { item, parts: 0, summaries: 0, part: null, arguments: '', argumentsDone: false, done: false }
}

function checkDone (item: Item, open: OpenItem): void {
  assert.equal(item.id, open.item.id)
  assert.equal(item.type, open.item.type)
  assert.equal(open.part, null, 'parts are done before their item')
  open.done = true
  if (item.type === 'function_call') {
    assert.deepEqual([item.call_id, item.name, item.arguments, item.status], [open.item.call_id, open.item.name, open.arguments, 'completed'])
    assert.ok(open.argumentsDone)
  }
  if (item.type === 'message') assert.equal(item.content?.length, open.parts)
  if (item.type === 'reasoning') assert.equal(item.summary?.length, open.summaries)
}

function checkArguments (event: ResponseEvent, open: OpenItem): void {
  assert.equal(open.item.type, 'function_call')
  assert.ok(!open.argumentsDone)
  if (event.type.endsWith('.delta')) open.arguments += String(event['delta'])
  else {
    assert.equal(event['arguments'], open.arguments)
    open.argumentsDone = true
  }
}

const partEvents: Readonly<Record<string, { kind: OpenPart['kind'], type: string, says: 'delta' | 'final' | 'annotation' | 'added' | 'done' }>> = {
  'response.content_part.added': { kind: 'content', type: '', says: 'added' },
  'response.content_part.done': { kind: 'content', type: '', says: 'done' },
  'response.output_text.delta': { kind: 'content', type: 'output_text', says: 'delta' },
  'response.output_text.done': { kind: 'content', type: 'output_text', says: 'final' },
  'response.output_text.annotation.added': { kind: 'content', type: 'output_text', says: 'annotation' },
  'response.refusal.delta': { kind: 'content', type: 'refusal', says: 'delta' },
  'response.refusal.done': { kind: 'content', type: 'refusal', says: 'final' },
  'response.reasoning_summary_part.added': { kind: 'summary', type: '', says: 'added' },
  'response.reasoning_summary_part.done': { kind: 'summary', type: '', says: 'done' },
  'response.reasoning_summary_text.delta': { kind: 'summary', type: 'summary_text', says: 'delta' },
  'response.reasoning_summary_text.done': { kind: 'summary', type: 'summary_text', says: 'final' }
}

function checkPart (event: ResponseEvent, open: OpenItem): void {
  const rule = partEvents[event.type]
  assert.ok(rule !== undefined, `unknown event ${event.type}`)
  assert.equal(open.item.type, rule.kind === 'content' ? 'message' : 'reasoning')
  const index = event[`${rule.kind}_index`]
  if (rule.says === 'added') {
    assert.equal(open.part, null, 'one part at a time')
    assert.equal(index, rule.kind === 'content' ? open.parts++ : open.summaries++)
    const part = event['part'] as Part
    assert.equal(part.text ?? part.refusal, '')
    open.part = { kind: rule.kind, index: index as number, type: part.type, said: '', isFinal: false, annotations: 0 }
    return
  }
  const { part } = open
  assert.ok(part !== null && part.index === index && part.kind === rule.kind, `${event.type} of a part that is open`)
  if (rule.type !== '') assert.equal(part.type, rule.type)
  assert.equal(part.isFinal, rule.says === 'done', `${event.type} in its place`)
  if (rule.says === 'delta') part.said += String(event['delta'])
  else if (rule.says === 'annotation') assert.equal(event['annotation_index'], part.annotations++)
  else if (rule.says === 'final') {
    assert.equal(event['text'] ?? event['refusal'], part.said)
    part.isFinal = true
  } else {
    const whole = event['part'] as Part
    assert.equal(whole.text ?? whole.refusal, part.said)
    open.part = null
  }
}
