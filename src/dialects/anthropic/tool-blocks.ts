import { toAnthropicToolId } from '../../api/anthropic-blocks.ts'
import type { AnthropicBlock } from '../../api/anthropic-blocks.ts'
import type { ToolCallDelta } from '../../api/chat.ts'
import type { BlockStream } from './block-stream.ts'
import { toCallSignature } from './signatures.ts'

interface Tool {
  id: string
  name: string
  arguments: string
  /** Google's signature of the call, in a block of its own. */
  signature: AnthropicBlock | null
  /** waiting: nothing of it is written; closed: all of it. */
  state: 'waiting' | 'open' | 'closed'
}

/** Calls of one answer, one block after the other: what others say meanwhile waits. Memory: the arguments of one answer. */
export class ToolBlocks {
  private readonly blocks: BlockStream
  private readonly newId: () => string
  /** By the canonical index, in the order in which they came. */
  private readonly tools = new Map<number, Tool>()
  private current: Tool | null = null

  constructor (blocks: BlockStream, newId: () => string) {
    this.blocks = blocks
    this.newId = newId
  }

  get any (): boolean {
    return this.tools.size > 0
  }

  add ({ index, id, function: called, extra_content: extra }: ToolCallDelta): void {
    let tool = this.tools.get(index)
    if (tool === undefined) {
      tool = { id: '', name: '', arguments: '', signature: null, state: 'waiting' }
      this.tools.set(index, tool)
    }
    if (tool.id === '' && typeof id === 'string') tool.id = id
    tool.signature ??= toCallSignature(extra)
    if (tool.state === 'waiting') tool.name += called?.name ?? ''
    const text = called?.arguments ?? ''
    tool.arguments += text
    if (tool.state === 'open' && text !== '') this.blocks.delta({ type: 'input_json_delta', partial_json: text })
    if (tool.state === 'waiting') this.advance()
  }

  /** Closes what is complete. @returns whether nothing is left that could still grow */
  settle (): boolean {
    this.advance()
    if (this.current === null) return true
    if (!isComplete(this.current.arguments)) return false
    this.close()
    return true
  }

  /** Nothing more comes: all that waits is written as it is. */
  end (): void {
    this.close()
    for (const tool of this.tools.values()) {
      // A call without a name is none.
      if (tool.state !== 'waiting' || tool.name === '') continue
      this.open(tool)
      this.close()
    }
  }

  private advance (): void {
    for (const tool of this.tools.values()) {
      if (tool.state !== 'waiting' || tool.name === '') continue
      if (this.current !== null) {
        if (!isComplete(this.current.arguments)) return
        this.close()
      }
      this.open(tool)
    }
  }

  private open (tool: Tool): void {
    tool.state = 'open'
    this.current = tool
    if (tool.signature !== null) this.blocks.open(tool.signature)
    this.blocks.open({ type: 'tool_use', id: tool.id === '' ? `toolu_${this.newId()}` : toAnthropicToolId(tool.id), name: tool.name, input: {} })
    if (tool.arguments !== '') this.blocks.delta({ type: 'input_json_delta', partial_json: tool.arguments })
  }

  private close (): void {
    if (this.current === null) return
    if (this.current.arguments === '') this.blocks.delta({ type: 'input_json_delta', partial_json: '{}' })
    this.current.state = 'closed'
    this.current = null
    this.blocks.close()
  }
}

/** Whether a call has all of its arguments. */
function isComplete (text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
