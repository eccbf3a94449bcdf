import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rerankDialectOf } from '../../src/dialects/registry.ts'

for (const dialect of ['openai', 'cohere', 'invoke'] as const) {
  test(`a ranking in the words of ${dialect} has documents that are text or objects`, () => {
    const { toRerankRequest } = rerankDialectOf(dialect)
    assert.deepEqual(toRerankRequest({ query: 'q', documents: ['a', { title: 't' }] }, 'm').documents, ['a', { title: 't' }])
    assert.throws(() => toRerankRequest({ query: 'q', documents: ['a', null] }, 'm'), { code: 'BIFROST_INVALID_REQUEST', param: 'documents[1]', message: 'documents[1] must be text or an object, not null.' })
    assert.throws(() => toRerankRequest({ query: 'q', documents: 5 }, 'm'), { code: 'BIFROST_INVALID_REQUEST', param: 'documents' })
  })
}
