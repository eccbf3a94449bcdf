export const mockOperations = ['chat', 'completions', 'embeddings', 'responses'] as const
export type MockOperation = (typeof mockOperations)[number]

const operationByPath: ReadonlyMap<string, MockOperation> = new Map([
  ['/v1/chat/completions', 'chat'],
  ['/v1/completions', 'completions'],
  ['/v1/embeddings', 'embeddings'],
  ['/v1/responses', 'responses']
])

export function operationOf (path: string): MockOperation | undefined {
  return operationByPath.get(path)
}
