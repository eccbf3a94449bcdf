import type { AssistantMessage } from '../../api/chat.ts'
import type { TranslationContext } from '../family.ts'
import { toolPlanFormat } from './wire.ts'
import type { CoherePart } from './wire.ts'

/** What the model thought in an earlier turn: Cohere has `thinking` blocks for it, and the plan of a turn that calls tools. */
export function toReasoning (message: AssistantMessage, context: TranslationContext): { thinking: CoherePart[], plan: string } {
  const details = message.reasoning_details ?? []
  const plain = message.reasoning_content ?? ''
  if (details.length === 0 && plain !== '') {
    // Nothing says which of the two it was; a turn with tools has a plan with every model, thoughts only with some.
    return (message.tool_calls ?? []).length > 0 ? { thinking: [], plan: plain } : { thinking: [{ type: 'thinking', thinking: plain }], plan: '' }
  }
  const thinking: CoherePart[] = []
  let plan = ''
  for (const detail of details) {
    const text = detail.type === 'reasoning.text' ? detail.text : detail.type === 'reasoning.summary' ? detail.summary : ''
    if (detail.type === 'reasoning.encrypted' || (detail.type === 'reasoning.text' && (detail.signature ?? '') !== '')) context.drop('messages.reasoning_details')
    if (text === '') continue
    if (detail.format === toolPlanFormat) plan += text
    else thinking.push({ type: 'thinking', thinking: text })
  }
  return { thinking, plan }
}
