import assert from 'node:assert/strict'
import { expected } from './cells.ts'
import type { Answer, Feature } from './cells.ts'

/** What must be in an answer, by what was asked. */
export const wanted: Readonly<Record<Feature, (answer: Answer) => void>> = {
  text (answer) { assert.deepEqual(answer, { text: expected.text, usage: expected.usage }) },
  stream ({ pieces, ...answer }) {
    assert.deepEqual(answer, { text: expected.text, usage: expected.usage })
    assert.ok((pieces ?? 0) > 1, `it came in ${String(pieces)} pieces`)
  },
  tools (answer) { assert.deepEqual(answer, { toolCalls: [{ name: expected.toolName, arguments: expected.toolArguments }] }) },
  'tool stream' (answer) { assert.deepEqual(answer, { toolCalls: [{ name: expected.toolName, arguments: expected.toolArguments }] }) },
  'tool results' (answer) { assert.deepEqual(answer, { text: expected.afterTools }) },
  structured (answer) { assert.deepEqual(answer, { structured: expected.structured }) },
  embeddings (answer) { assert.deepEqual(answer, { embeddings: expected.embeddings }) },
  errors ({ error }) {
    assert.equal(error?.status, expected.errorStatus)
    assert.match(error.message, new RegExp(expected.errorMessage))
  }
}
