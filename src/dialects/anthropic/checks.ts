import type { AnthropicBlock } from '../../api/anthropic-blocks.ts'
import type { JsonObject } from '../../api/chat.ts'
import { GatewayError } from '../../errors.ts'

export function invalid (param: string, message: string): GatewayError {
  return new GatewayError('BIFROST_INVALID_REQUEST', { param, message })
}

export function isObject (value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function isBlock (value: unknown): value is AnthropicBlock {
  return isObject(value) && typeof value['type'] === 'string'
}

/** @throws GatewayError BIFROST_INVALID_REQUEST that names the block */
export function checkBlocks (content: unknown, path: string): AnthropicBlock[] {
  if (!Array.isArray(content)) throw invalid(path, `${path} must be text or an array of content blocks.`)
  for (const [index, block] of (content as unknown[]).entries()) {
    if (!isBlock(block)) throw invalid(`${path}[${index}]`, `${path}[${index}] must be an object with a type.`)
    checkMembers(block, `${path}[${index}]`)
  }
  return content as AnthropicBlock[]
}

/** Members without which a block says nothing. */
const textMembers: Readonly<Record<string, readonly string[]>> = { text: ['text'], thinking: ['thinking'], redacted_thinking: ['data'], tool_use: ['id', 'name'], tool_result: ['tool_use_id'] }

function checkMembers (block: AnthropicBlock, path: string): void {
  for (const name of textMembers[block.type] ?? []) {
    if (typeof block[name] !== 'string') throw invalid(`${path}.${name}`, `${path}.${name} must be text.`)
  }
  if ((block.type === 'image' || block.type === 'document') && !isBlock(block['source'])) throw invalid(`${path}.source`, `${path}.source must be an object with a type.`)
}
