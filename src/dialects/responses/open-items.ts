import type { ReasoningDetail, ToolCallDelta } from '../../api/chat.ts'
import { DetailMerger, textOfDetail } from './reasoning-items.ts'
import type { FunctionCallItem, ItemStatus, MessageItem, OutputItem, OutputPart, OutputText } from './wire.ts'

/** Writes one event, with its sequence number. */
export type Emit = (type: string, members: Record<string, unknown>) => void

/** An output item while the model says it. */
interface OpenItem {
  /** Writes what closes it. @returns the whole item */
  close (status: ItemStatus): OutputItem
}

export class OpenReasoning implements OpenItem {
  private readonly emit: Emit
  private readonly place: { item_id: string, output_index: number, summary_index: 0 }
  private readonly detail: DetailMerger
  private text = ''
  private hasPart = false

  constructor (emit: Emit, id: string, outputIndex: number, first: ReasoningDetail) {
    this.emit = emit
    this.place = { item_id: id, output_index: outputIndex, summary_index: 0 }
    this.detail = new DetailMerger(first)
    emit('response.output_item.added', { output_index: outputIndex, item: { id, type: 'reasoning', summary: [], encrypted_content: null } })
    this.say(textOfDetail(first))
  }

  continues (detail: ReasoningDetail): boolean {
    return this.detail.continues(detail)
  }

  add (detail: ReasoningDetail): void {
    this.detail.add(detail)
    this.say(textOfDetail(detail))
  }

  close (): OutputItem {
    const { place, text } = this
    if (this.hasPart) {
      this.emit('response.reasoning_summary_text.done', { ...place, text })
      this.emit('response.reasoning_summary_part.done', { ...place, part: { type: 'summary_text', text } })
    }
    const item = this.detail.toItem(place.item_id)
    this.emit('response.output_item.done', { output_index: place.output_index, item })
    return item
  }

  private say (delta: string): void {
    if (delta === '') return
    if (!this.hasPart) this.emit('response.reasoning_summary_part.added', { ...this.place, part: { type: 'summary_text', text: '' } })
    this.hasPart = true
    this.text += delta
    this.emit('response.reasoning_summary_text.delta', { ...this.place, delta })
  }
}

export class OpenMessage implements OpenItem {
  private readonly emit: Emit
  private readonly id: string
  private readonly outputIndex: number
  private readonly content: OutputPart[] = []

  constructor (emit: Emit, id: string, outputIndex: number) {
    this.emit = emit
    this.id = id
    this.outputIndex = outputIndex
    emit('response.output_item.added', { output_index: outputIndex, item: this.item('in_progress', []) })
  }

  text (delta: string, said: unknown): void {
    const part = this.openText()
    const logprobs: unknown[] = Array.isArray(said) ? said : []
    part.text += delta
    part.logprobs.push(...logprobs)
    this.emit('response.output_text.delta', { ...this.place(), delta, logprobs })
  }

  refusal (delta: string): void {
    let part = this.content.at(-1)
    if (part?.type !== 'refusal') part = this.openPart({ type: 'refusal', refusal: '' })
    part.refusal += delta
    this.emit('response.refusal.delta', { ...this.place(), delta })
  }

  annotation (annotation: unknown): void {
    const part = this.openText()
    part.annotations.push(annotation)
    this.emit('response.output_text.annotation.added', { ...this.place(), annotation_index: part.annotations.length - 1, annotation })
  }

  close (status: ItemStatus): OutputItem {
    this.closePart()
    const item = this.item(status, this.content)
    this.emit('response.output_item.done', { output_index: this.outputIndex, item })
    return item
  }

  private openText (): OutputText {
    const part = this.content.at(-1)
    return part?.type === 'output_text' ? part : this.openPart({ type: 'output_text', text: '', annotations: [], logprobs: [] })
  }

  private openPart<Part extends OutputPart> (part: Part): Part {
    this.closePart()
    this.content.push(part)
    this.emit('response.content_part.added', { ...this.place(), part })
    return part
  }

  private closePart (): void {
    const part = this.content.at(-1)
    if (part === undefined) return
    if (part.type === 'output_text') this.emit('response.output_text.done', { ...this.place(), text: part.text, logprobs: part.logprobs })
    else this.emit('response.refusal.done', { ...this.place(), refusal: part.refusal })
    this.emit('response.content_part.done', { ...this.place(), part })
  }

  private place (): { item_id: string, output_index: number, content_index: number } {
    return { item_id: this.id, output_index: this.outputIndex, content_index: this.content.length - 1 }
  }

  private item (status: ItemStatus, content: OutputPart[]): MessageItem {
    return { id: this.id, type: 'message', status, role: 'assistant', content }
  }
}

/** Stays open until the answer ends: pieces of parallel calls may come in any order. */
export class OpenCall implements OpenItem {
  private readonly emit: Emit
  private readonly item: FunctionCallItem
  private readonly outputIndex: number

  constructor (emit: Emit, id: string, outputIndex: number, callId: string, name: string) {
    this.emit = emit
    this.outputIndex = outputIndex
    this.item = { id, type: 'function_call', status: 'in_progress', call_id: callId, name, arguments: '' }
    emit('response.output_item.added', { output_index: outputIndex, item: { ...this.item } })
  }

  arguments (delta: string): void {
    if (delta === '') return
    this.item.arguments += delta
    this.emit('response.function_call_arguments.delta', { item_id: this.item.id, output_index: this.outputIndex, delta })
  }

  close (): OutputItem {
    if (this.item.arguments === '') this.arguments('{}')
    // A call that was made is complete, however the answer ended.
    const item: FunctionCallItem = { ...this.item, status: 'completed' }
    this.emit('response.function_call_arguments.done', { item_id: item.id, output_index: this.outputIndex, name: item.name, arguments: item.arguments })
    this.emit('response.output_item.done', { output_index: this.outputIndex, item })
    return item
  }
}

/** What has come of a call whose name has not: it cannot be opened without. */
export interface PendingCall { id: string, name: string, arguments: string }

export function addToPending (pending: PendingCall, delta: ToolCallDelta): void {
  pending.id ||= delta.id ?? ''
  pending.name ||= delta.function.name ?? ''
  pending.arguments += delta.function.arguments ?? ''
}
