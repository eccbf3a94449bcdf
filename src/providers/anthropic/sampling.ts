import type { ChatRequest, JsonObject } from '../../api/chat.ts'
import type { TranslationContext } from '../family.ts'

/**
 * `temperature`, `top_p` and `top_k`, as far as they are taken.
 * @param refusesAll the model or the version of the API answers 400 to any of them
 */
export function toSampling (request: ChatRequest, refusesAll: boolean, isThinking: boolean, context: TranslationContext): JsonObject {
  const { temperature, top_p: topP, top_k: topK } = request
  const sampling: JsonObject = {}
  const take = (name: string, value: number | null | undefined, isTaken: (value: number) => boolean): void => {
    if (value === null || value === undefined) return
    if (!refusesAll && isTaken(value)) sampling[name] = value
    else context.drop(name)
  }
  // OpenAI's scale goes to 2, Anthropic's to 1.
  take('temperature', typeof temperature === 'number' ? Math.min(temperature, 1) : temperature, (value) => !isThinking || value === 1)
  // Claude 4.1 and later refuse both at once, and the temperature is what clients mean.
  take('top_p', topP, (value) => sampling['temperature'] === undefined && (!isThinking || value >= 0.95))
  take('top_k', topK, () => !isThinking)
  return sampling
}
