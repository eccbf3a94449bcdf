import type { ChatSink } from '../../api/chat-sink.ts'
import type { StreamEvent, StreamEventKind } from '../../api/framing.ts'
import type { GatewayError } from '../../errors.ts'
import type { ChatDecoder } from '../family.ts'
import { isServerTool, toAnnotation, toChatUsage, toFinishDetail, toFinishReason, toReasoningDetail } from './chat-reply.ts'
import { readFrame } from './stream-frame.ts'
import type { StreamPayload } from './wire.ts'

interface OpenCall {
  /** Among the calls of the answer. */
  index: number
  hasArguments: boolean
}

/** One Converse stream: frames of Amazon's event stream, one event in each. The usage comes after the end of the message. */
export class BedrockChatDecoder implements ChatDecoder {
  error: GatewayError | null = null
  finished = false
  complete = false
  private readonly provider: string
  private callCount = 0
  /** The calls whose blocks are not closed yet, by the index of the block. */
  private readonly openCalls = new Map<number, OpenCall>()

  constructor (provider: string) {
    this.provider = provider
  }

  decode (event: StreamEvent, sink: ChatSink): StreamEventKind {
    const frame = readFrame<StreamPayload>(this.provider, event)
    if (frame.error !== null) {
      this.error = frame.error
      return 'error'
    }
    return frame.payload !== null && this.say(frame.type, frame.payload, sink) ? 'content' : 'hidden'
  }

  /** @returns whether the sink was told something */
  say (type: string, payload: StreamPayload, sink: ChatSink): boolean {
    switch (type) {
      case 'messageStart':
        sink.start('', '')
        return true
      case 'contentBlockStart': return this.blockStart(payload, sink)
      case 'contentBlockDelta': return this.blockDelta(payload, sink)
      case 'contentBlockStop': return this.blockStop(payload, sink)
      case 'messageStop':
        this.finished = true
        sink.finish(0, toFinishReason(payload.stopReason ?? ''), toFinishDetail(payload))
        return true
      case 'metadata':
        if (!isObject(payload.usage)) return false
        sink.usage(toChatUsage(payload.usage))
        this.complete = this.finished
        return true
      default: return false
    }
  }

  private blockStart ({ contentBlockIndex: block = 0, start }: StreamPayload, sink: ChatSink): boolean {
    const toolUse = start?.toolUse
    if (!isObject(toolUse) || isServerTool(toolUse.type)) return false
    const index = this.callCount++
    this.openCalls.set(block, { index, hasArguments: false })
    sink.delta(0, { tool_calls: [{ index, id: toolUse.toolUseId ?? '', type: 'function', function: { name: toolUse.name ?? '', arguments: '' } }] })
    return true
  }

  private blockDelta ({ contentBlockIndex: block = 0, delta }: StreamPayload, sink: ChatSink): boolean {
    const { text, toolUse, reasoningContent, citation } = delta ?? {}
    if (typeof text === 'string' && text !== '') {
      sink.delta(0, { content: text })
      return true
    }
    if (typeof toolUse?.input === 'string' && toolUse.input !== '') return this.moreArguments(block, toolUse.input, sink)
    if (isObject(reasoningContent)) return reasoningDelta(reasoningContent, block, sink)
    if (!isObject(citation)) return false
    sink.delta(0, { annotations: [toAnnotation(citation)] })
    return true
  }

  private moreArguments (block: number, text: string, sink: ChatSink): boolean {
    const call = this.openCalls.get(block)
    // Of a tool that Amazon runs itself.
    if (call === undefined) return false
    call.hasArguments = true
    sink.delta(0, { tool_calls: [{ index: call.index, function: { arguments: text } }] })
    return true
  }

  private blockStop ({ contentBlockIndex: block = 0 }: StreamPayload, sink: ChatSink): boolean {
    const call = this.openCalls.get(block)
    this.openCalls.delete(block)
    if (call === undefined || call.hasArguments) return false
    sink.delta(0, { tool_calls: [{ index: call.index, function: { arguments: '{}' } }] })
    return true
  }
}

function reasoningDelta ({ text, signature, redactedContent }: NonNullable<NonNullable<StreamPayload['delta']>['reasoningContent']>, block: number, sink: ChatSink): boolean {
  const details = toReasoningDetail(redactedContent === undefined ? { reasoningText: { text, signature } } : { redactedContent }, block)
  sink.delta(0, { ...text === undefined || text === '' ? {} : { reasoning_content: text }, reasoning_details: details })
  return true
}

/** The types say what Amazon documents; this, whether it came. */
function isObject<Value> (value: Value): value is Value & object {
  return typeof value === 'object' && value !== null
}
