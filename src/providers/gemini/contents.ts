import type { AssistantMessage, ChatMessage, ContentPart, ToolMessage, UserMessage } from '../../api/chat.ts'
import { isSynthesisedCallId } from '../../api/synthesised-call-id.ts'
import type { TranslationContext } from '../family.ts'
import { toFunctionResponse } from './function-response.ts'
import { invalidRequest } from './invalid-request.ts'
import { audioToPart, fileToPart, imageToPart } from './media.ts'
import { toModelParts } from './model-turn.ts'
import type { ModelTraits } from './models.ts'
import { toWireName } from './tool-names.ts'
import type { Content, Part } from './wire.ts'

/** Said by the user where the model has the last word and would not go on from it. */
const goOn = 'Please continue from where you left off.'
/** Stands for a user's first or last word that is empty, and for one before the model's first. */
const nothing = '.'

export interface Conversation {
  /** Null when there is none. */
  systemInstruction: Content | null
  contents: Content[]
}

/** @throws GatewayError for a conversation that Gemini cannot be told */
export function toConversation (messages: readonly ChatMessage[], traits: ModelTraits, context: TranslationContext): Conversation {
  const writer = new ConversationWriter(traits, context)
  for (const [index, message] of messages.entries()) writer.add(message, `messages[${index}]`)
  return writer.end(messages.at(-1)?.role === 'assistant')
}

/** Puts a conversation together turn by turn: calls wait for their answers, which come in a turn of their own right after them. */
class ConversationWriter {
  private readonly traits: ModelTraits
  private readonly context: TranslationContext
  private readonly system: Part[] = []
  private readonly contents: Content[] = []
  /** Names by id, of the calls in the last turn of the model that have no answer yet. */
  private waiting: { id: string, name: string }[] = []
  /** The turn that holds the answers; null when the last message was no answer. */
  private answers: Content | null = null
  /** Media of answers, for models that take none inside them. */
  private media: Part[] = []

  constructor (traits: ModelTraits, context: TranslationContext) {
    this.traits = traits
    this.context = context
  }

  add (message: ChatMessage, path: string): void {
    switch (message.role) {
      case 'system':
      case 'developer':
        // Unlike in turns, white space is refused, too.
        this.system.push(...toParts(message.content, `${path}.content`, this.context).filter(({ text }) => text?.trim() !== ''))
        return
      case 'user':
        this.closeAnswers(path)
        return this.addUser(message, path)
      case 'assistant':
        this.closeAnswers(path)
        return this.addAssistant(message, path)
      default:
        this.addAnswer(message, path)
    }
  }

  /** @param hasLastWord the model has it, by the messages */
  end (hasLastWord: boolean): Conversation {
    if (this.answers !== null) this.closeAnswers('messages')
    if (this.contents[0]?.role === 'model') this.contents.unshift({ role: 'user', parts: [{ text: nothing }] })
    // Calls wait for their answers.
    const isOver = this.waiting.length === 0 && !(hasLastWord && this.traits.takesPrefill)
    if (isOver && this.contents.at(-1)?.role === 'model') this.push('user', [{ text: hasLastWord ? goOn : nothing }])
    // OpenAI answers to a system message alone; Gemini wants somebody to have said something.
    const onlySystem = this.contents.length === 0
    if (onlySystem && this.system.length === 0) throw invalidRequest('messages', 'messages must hold at least one that is not empty.')
    return onlySystem
      ? { systemInstruction: null, contents: [{ role: 'user', parts: this.system }] }
      : { systemInstruction: this.system.length === 0 ? null : { parts: this.system }, contents: this.contents }
  }

  private addUser (message: UserMessage, path: string): void {
    if (message.name !== undefined) this.context.drop('messages.name')
    this.push('user', toParts(message.content, `${path}.content`, this.context))
  }

  private addAssistant (message: AssistantMessage, path: string): void {
    this.push('model', toModelParts(message, (content) => toParts(content, `${path}.content`, this.context), this.traits, this.context))
    this.waiting = (message.tool_calls ?? []).map((call) => ({ id: call.id, name: toWireName(call.function.name) }))
  }

  private addAnswer (message: ToolMessage, path: string): void {
    const at = this.waiting.findIndex(({ id }) => id === message.tool_call_id)
    if (at < 0) throw invalidRequest(`${path}.tool_call_id`, `${path}.tool_call_id is ${JSON.stringify(message.tool_call_id)}, which is no unanswered call of the assistant message before it.`)
    const [{ id, name }] = this.waiting.splice(at, 1) as [{ id: string, name: string }]
    if (this.answers === null) this.contents.push(this.answers = { role: 'user', parts: [] })
    if (message.cache_control !== undefined) this.context.drop('messages.cache_control')
    const parts = toParts(message.content, `${path}.content`, this.context)
    const { answer, media } = toFunctionResponse(message, parts, isSynthesisedCallId(id) ? null : id, name, this.traits)
    this.answers.parts.push({ functionResponse: answer })
    this.media.push(...media)
  }

  /** The turn of the answers is over. Gemini counts them. */
  private closeAnswers (path: string): void {
    const [missing] = this.waiting
    if (missing !== undefined) throw invalidRequest(path, `The tool call ${JSON.stringify(missing.id)} has no answer: a message with role tool must follow for each call.`)
    this.answers = null
    if (this.media.length > 0) this.contents.push({ role: 'user', parts: this.media })
    this.media = []
  }

  /** Messages of one side that follow each other are one turn, but for answers of functions, which stand alone. */
  private push (role: 'user' | 'model', parts: Part[]): void {
    if (parts.length === 0) return
    const last = this.contents.at(-1)
    if (last?.role === role && last.parts[0]?.functionResponse === undefined) last.parts.push(...parts)
    else this.contents.push({ role, parts })
  }
}

/** Empty texts say nothing, and Gemini refuses them. */
function toParts (content: string | ContentPart[] | null | undefined, path: string, context: TranslationContext): Part[] {
  if (typeof content === 'string') return content === '' ? [] : [{ text: content }]
  return (content ?? []).flatMap((part, index) => {
    if ('cache_control' in part && part.cache_control !== undefined && part.cache_control !== null) context.drop('messages.content.cache_control')
    return toPart(part, `${path}[${index}]`, context)
  })
}

function toPart (part: ContentPart, path: string, context: TranslationContext): Part[] {
  const signature = 'extra_content' in part ? part.extra_content?.google?.thought_signature : undefined
  const signed = signature === undefined ? {} : { thoughtSignature: signature }
  switch (part.type) {
    case 'text': return part.text === '' && signature === undefined ? [] : [{ text: part.text, ...signed }]
    case 'refusal': return [{ text: part.refusal }]
    case 'image_url':
      if (part.image_url.detail !== undefined && part.image_url.detail !== 'auto') context.drop('messages.content.image_url.detail')
      return [{ ...imageToPart(part.image_url.url, `${path}.image_url.url`), ...signed }]
    case 'input_audio': return [audioToPart(part, path)]
    case 'file': return [fileToPart(part, `${path}.file`)]
    case 'opaque':
      if (part.dialect === 'gemini') return [part.value as Part]
      context.drop(`messages.content.${part.dialect}`)
      return []
    default: throw invalidRequest(`${path}.type`, `${path}.type is ${JSON.stringify((part as { type: unknown }).type)}, which Gemini cannot be told.`)
  }
}
