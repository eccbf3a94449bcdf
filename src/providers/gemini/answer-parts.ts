import type { ChatDelta, ImagePart, ReasoningDetail, ToolCall } from '../../api/chat.ts'
import { synthesiseCallId } from '../../api/synthesised-call-id.ts'
import type { Part } from './wire.ts'

type Said = Pick<ChatDelta, 'content' | 'reasoning_content' | 'reasoning_details' | 'images'> & { calls: ToolCall[] }

/** Reads the parts of one answer in order, all at once or event by event. */
export class AnswerParts {
  /** Calls so far. */
  calls = 0
  private readonly choice: number
  private readonly names: ReadonlyMap<string, string>
  /** Of `reasoning_details`; text goes on in the entry where it stands. */
  private detailIndex = -1
  private inThought = false

  /** @param names the client's own names of functions by those that were sent */
  constructor (choice: number, names: ReadonlyMap<string, string>) {
    this.choice = choice
    this.names = names
  }

  /** @param responseId what makes ids of calls unique, where Gemini gives none */
  read (parts: readonly Part[], responseId: string): Said {
    const said: Said = { calls: [] }
    for (const part of parts) {
      if (typeof part !== 'object' || part === null) continue
      if (part.functionCall !== undefined) this.readCall(part, responseId, said)
      else if (typeof part.text === 'string') this.readText(part.text, part, said)
      else if (part.inlineData?.mimeType?.startsWith('image/') === true && part.thought !== true) this.readImage(part, said)
    }
    return said
  }

  private readText (text: string, { thought, thoughtSignature: signature }: Part, said: Said): void {
    if (thought === true) {
      if (text === '' && signature === undefined) return
      if (!this.inThought) this.detailIndex++
      this.inThought = signature === undefined
      said.reasoning_content = (said.reasoning_content ?? '') + text
      this.addThought({ type: 'reasoning.text', text, ...signature === undefined ? {} : { signature }, format: 'gemini', index: this.detailIndex }, said)
      return
    }
    this.inThought = false
    if (text !== '') said.content = (said.content ?? '') + text
    if (signature === undefined) return
    // The text of an answer is one string, so its signature needs another place.
    this.addThought({ type: 'reasoning.encrypted', data: signature, format: 'gemini', index: ++this.detailIndex }, said)
  }

  /** Thoughts that go on within one read are one entry. */
  private addThought (detail: ReasoningDetail, said: Said): void {
    const list = said.reasoning_details ??= []
    const last = list.at(-1)
    if (detail.type === 'reasoning.text' && last?.type === 'reasoning.text' && last.index === detail.index) list[list.length - 1] = { ...last, ...detail, text: last.text + detail.text }
    else list.push(detail)
  }

  private readCall ({ functionCall: call, thoughtSignature: signature }: Part, responseId: string, said: Said): void {
    // Where arguments come in pieces, an empty call closes them.
    if (typeof call?.name !== 'string' || call.name === '') return
    const ordinal = this.calls++
    said.calls.push({
      id: typeof call.id === 'string' && call.id !== '' ? call.id : synthesiseCallId(responseId, this.choice * 1_000 + ordinal),
      type: 'function',
      function: { name: this.names.get(call.name) ?? call.name, arguments: JSON.stringify(call.args ?? {}) },
      ...signature === undefined ? {} : { extra_content: { google: { thought_signature: signature } } }
    })
  }

  private readImage ({ inlineData, thoughtSignature: signature }: Part, said: Said): void {
    const image: ImagePart = { type: 'image_url', image_url: { url: `data:${inlineData?.mimeType};base64,${inlineData?.data}` } }
    if (signature !== undefined) image.extra_content = { google: { thought_signature: signature } }
    said.images = [...said.images ?? [], image]
  }
}
