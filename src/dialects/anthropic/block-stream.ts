import type { AnthropicBlock } from '../../api/anthropic-blocks.ts'
import type { JsonObject } from '../../api/chat.ts'
import type { EventSink } from '../../api/framing.ts'
import type { ToEventBytes } from '../dialect.ts'

/**
 * Writes events and keeps their order legal: at most one block is open, and each that was opened is closed once. Clients hang on two
 * open blocks and run a tool twice on two stops.
 */
export class BlockStream {
  /** Where the current event's bytes go. */
  sink: EventSink | null = null
  private isOpen = false
  /** Of the next block. */
  private index = 0
  private readonly toBytes: ToEventBytes

  constructor (toBytes: ToEventBytes) {
    this.toBytes = toBytes
  }

  event (type: string, members: JsonObject): void {
    const bytes = this.toBytes(type, { type, ...members })
    this.sink?.append(bytes, 0, bytes.length)
  }

  open (block: AnthropicBlock): void {
    this.close()
    this.isOpen = true
    this.event('content_block_start', { index: this.index, content_block: block })
  }

  delta (delta: JsonObject): void {
    this.event('content_block_delta', { index: this.index, delta })
  }

  close (): void {
    if (!this.isOpen) return
    this.isOpen = false
    this.event('content_block_stop', { index: this.index })
    this.index++
  }
}
