import type { AnswerContext } from '../../src/dialects/dialect.ts'

/** The clock stands at 1234, and ids are 1, 2, 3... */
export function createAnswerContext (more: Partial<AnswerContext> = {}): AnswerContext {
  let id = 0
  return { model: 'asked', nowSeconds: 1234, newId: () => String(++id), includeUsage: true, extraFields: '', jsonArray: false, ...more }
}
