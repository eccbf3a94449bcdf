import type { ChatMessage, ChatRequest, ContentPart, JsonObject } from '../../api/chat.ts'
import { fromGenerationConfig } from './generation-config.ts'
import { toMessageContent, toMessages } from './history.ts'
import { isRecord, listOf, toCamelMembers } from './members.ts'
import { toContentParts, toPart } from './parts.ts'
import { toChatTools, toToolChoice } from './tools.ts'

/** A generateContent request in the canonical form; what that has no words for goes along in `extra_body.google`. */
export function fromGenerateContent (body: JsonObject, model: string, stream: boolean): ChatRequest {
  const { contents, systemInstruction, tools, toolConfig, generationConfig, serviceTier, model: _model, fallbacks: _fallbacks, ...rest } = toCamelMembers(body)
  const { said, rest: restOfConfig } = fromGenerationConfig(generationConfig)
  const { tools: chatTools, serverTools } = toChatTools(tools)
  const { choice, isWhole } = toToolChoice(toolConfig)
  const google: JsonObject = {
    ...rest,
    ...serverTools.length === 0 ? {} : { tools: serverTools },
    ...isWhole ? {} : { toolConfig },
    ...Object.keys(restOfConfig).length === 0 ? {} : { generationConfig: restOfConfig }
  }
  return {
    ...said,
    model,
    messages: [...toSystem(systemInstruction), ...toMessages(contents)],
    ...stream ? { stream: true, stream_options: { include_usage: true } } : {},
    ...chatTools.length === 0 ? {} : { tools: chatTools },
    ...choice === null ? {} : { tool_choice: choice },
    ...typeof serviceTier === 'string' ? { service_tier: serviceTier === 'standard' ? 'default' : serviceTier } : {},
    ...Object.keys(google).length === 0 ? {} : { extra_body: { google } }
  }
}

/** A content without a role, or, as the SDK takes it too, a text. */
function toSystem (instruction: unknown): ChatMessage[] {
  if (typeof instruction === 'string') return [{ role: 'system', content: instruction }]
  const parts: ContentPart[] = listOf(isRecord(instruction) ? instruction['parts'] : undefined, 'systemInstruction.parts')
    .flatMap((part, index) => toContentParts(toPart(part, `systemInstruction.parts[${index}]`), `systemInstruction.parts[${index}]`))
  return parts.length === 0 ? [] : [{ role: 'system', content: toMessageContent(parts) }]
}
