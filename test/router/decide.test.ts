import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errorTable } from '../../src/errors.ts'
import type { ErrorCode } from '../../src/errors.ts'
import { decide } from '../../src/router/decide.ts'

test('a request whose thread died is tried once more, unless its answer has begun', () => {
  assert.equal(decide('BIFROST_WORKER_LOST', { attempts: 1, answered: false }), 'try-again')
  assert.equal(decide('BIFROST_WORKER_LOST', { attempts: 1, answered: true }), 'give-up')
  assert.equal(decide('BIFROST_WORKER_LOST', { attempts: 2, answered: false }), 'give-up')
  assert.equal(decide('BIFROST_WORKER_LOST', { attempts: 3, answered: false }), 'give-up')
})

test('a client that has left, or a request at fault, is never tried again', () => {
  const final = (Object.keys(errorTable) as ErrorCode[]).filter((code) => errorTable[code].status < 500)
  assert.ok(final.includes('BIFROST_CLIENT_CLOSED') && final.includes('BIFROST_INVALID_REQUEST'))
  for (const code of final) assert.equal(decide(code, { attempts: 1, answered: false }), 'give-up', code)
})
