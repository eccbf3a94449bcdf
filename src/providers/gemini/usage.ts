import type { ChatUsage } from '../../api/chat.ts'
import type { ModalityTokenCount, UsageMetadata } from './wire.ts'

/** @returns null where nothing has been counted: some events of Vertex AI only name the kind of traffic */
export function toChatUsage (usage: UsageMetadata | null | undefined): ChatUsage | null {
  if (typeof usage !== 'object' || usage === null) return null
  const { promptTokenCount, toolUsePromptTokenCount, candidatesTokenCount, thoughtsTokenCount, cachedContentTokenCount, totalTokenCount } = usage
  if ([promptTokenCount, candidatesTokenCount, totalTokenCount].every((count) => count === undefined)) return null
  const prompt = count(promptTokenCount) + count(toolUsePromptTokenCount)
  const completion = count(candidatesTokenCount) + count(thoughtsTokenCount)
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    ...withDetails('prompt_tokens_details', { cached_tokens: cachedContentTokenCount, audio_tokens: audioOf(usage.promptTokensDetails) }),
    ...withDetails('completion_tokens_details', { reasoning_tokens: thoughtsTokenCount, audio_tokens: audioOf(usage.candidatesTokensDetails) })
  }
}

function withDetails (name: string, details: Record<string, unknown>): object {
  const known = Object.entries(details).filter(([, value]) => value !== undefined)
  return known.length === 0 ? {} : { [name]: Object.fromEntries(known.map(([member, value]) => [member, count(value)])) }
}

/** Sound costs more than text. @returns undefined where there was none */
function audioOf (list: readonly ModalityTokenCount[] | null | undefined): number | undefined {
  const audio = Array.isArray(list) ? tokensOf('AUDIO', list) : 0
  return audio === 0 ? undefined : audio
}

function tokensOf (wanted: string, list: readonly (ModalityTokenCount | null)[]): number {
  return list.reduce((sum, item) => item?.modality === wanted ? sum + count(item.tokenCount) : sum, 0)
}

/** The same with images and sound counted apart from text, where Google does. */
export function toMediaUsage (usage: UsageMetadata | null | undefined): ChatUsage | null {
  const counted = toChatUsage(usage)
  if (counted === null) return null
  const prompt = byModality(counted.prompt_tokens, usage?.promptTokensDetails)
  const completion = byModality(counted.completion_tokens, usage?.candidatesTokensDetails)
  return {
    ...counted,
    ...prompt === null ? {} : { prompt_tokens_details: { ...counted.prompt_tokens_details, ...prompt } },
    ...completion === null ? {} : { completion_tokens_details: { ...counted.completion_tokens_details, ...completion } }
  }
}

/** What is neither image nor sound counts as text: thoughts are in no list. */
function byModality (total: number, list: readonly ModalityTokenCount[] | null | undefined): { text_tokens: number, image_tokens?: number, audio_tokens?: number } | null {
  if (!Array.isArray(list)) return null
  const image = tokensOf('IMAGE', list)
  const audio = tokensOf('AUDIO', list)
  return { text_tokens: Math.max(0, total - image - audio), ...image === 0 ? {} : { image_tokens: image }, ...audio === 0 ? {} : { audio_tokens: audio } }
}

function count (value: unknown): number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 ? value : 0
}
