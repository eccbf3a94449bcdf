import type { AnthropicBlock } from '../../api/anthropic-blocks.ts'
import type { ExtraContent } from '../../api/chat.ts'

/**
 * A thinking block has no place for the format of its signature, so another provider's format stands before it, and a client that
 * sends its history back sends that, too. Anthropic's own signatures are base64, which has no colon.
 */
const prefixed = /^([a-z][a-z0-9-]{0,31}):/

export function toSignature (signature: string, format: string | null | undefined): string {
  return signature === '' || format === undefined || format === null || format.startsWith('anthropic') ? signature : `${format}:${signature}`
}

export function fromSignature (text: string): { format: string, signature: string } {
  const format = prefixed.exec(text)?.[1]
  return format === undefined ? { format: 'anthropic', signature: text } : { format, signature: text.slice(format.length + 1) }
}

/**
 * Google signs calls, and Anthropic's have no place for that: the signature goes before its call as a `redacted_thinking`, which
 * clients neither show nor change.
 */
const callMark = 'gemini-call:'

/** @returns the block that goes before a call, or null for a call without a signature */
export function toCallSignature (extra: ExtraContent | undefined): AnthropicBlock | null {
  const signature = extra?.google?.thought_signature
  return typeof signature === 'string' && signature !== '' ? { type: 'redacted_thinking', data: callMark + signature } : null
}

/** Takes such blocks out. @returns what is left, and the signatures by the ordinal of their calls */
export function takeCallSignatures (blocks: readonly AnthropicBlock[]): { blocks: AnthropicBlock[], signatures: Map<number, string> } {
  const signatures = new Map<number, string>()
  let calls = 0
  const left = blocks.filter((block) => {
    if (block.type === 'tool_use') calls++
    if (block.type !== 'redacted_thinking' || typeof block['data'] !== 'string' || !block['data'].startsWith(callMark)) return true
    signatures.set(calls, block['data'].slice(callMark.length))
    return false
  })
  return { blocks: left, signatures }
}
