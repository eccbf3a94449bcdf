import type { JsonObject } from '../../api/chat.ts'
import type { TokenCountDialect } from '../dialect.ts'
import { toChatRequest } from './chat-request.ts'
import { invalid } from './invalid.ts'

/** Amazon Bedrock's CountTokens, of what Converse would be asked. */
export const bedrockTokenCount: TokenCountDialect = {
  toChatRequest (body: JsonObject, model: string) {
    const converse = (body['input'] as { converse?: JsonObject } | null | undefined)?.converse
    if (typeof converse !== 'object' || converse === null) throw invalid('input.converse', 'input.converse is required: only what Converse would be asked can be counted by another provider.')
    return toChatRequest(converse, model, false)
  },
  fromTokenCount: (tokens) => ({ inputTokens: tokens })
}
