import type { Operation } from '../../src/api/operations.ts'
import type { RequestRoute } from '../../src/api/parsed-request.ts'

/** What an OpenAI path says. */
export function openAiRoute (operation: Operation): RequestRoute {
  return { dialect: 'openai', operation, model: null, stream: null, defaultProvider: null, template: '', method: 'POST', resource: '', passthroughTo: null }
}
