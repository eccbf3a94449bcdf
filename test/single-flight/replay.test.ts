import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Replay } from '../../src/single-flight/replay.ts'

test('what was appended comes back in order, in pieces of at most 32 KiB', () => {
  const sizes = fc.array(fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 70_000 })), { maxLength: 12 })
  fc.assert(fc.property(sizes, (lengths) => {
    const replay = new Replay(1 << 20, { leftBytes: 1 << 20 })
    const chunks = lengths.map((length, index) => Buffer.alloc(length, index + 1))
    for (const chunk of chunks) assert.ok(replay.append(chunk))
    const pieces = replay.pieces()
    assert.ok(pieces.every((piece) => piece.length > 0 && piece.length <= 32 * 1024))
    assert.ok(Buffer.concat(pieces).equals(Buffer.concat(chunks)))
  }))
})

test('what a reader was given does not change when more comes', () => {
  const replay = new Replay(100_000, { leftBytes: 100_000 })
  replay.append(Buffer.from('abc'))
  const [piece] = replay.pieces()
  for (let index = 0; index < 50; index++) replay.append(Buffer.alloc(1_000, 0x7a))
  assert.equal(String(piece), 'abc')
})

test('a chunk is copied, since it shares its memory with other answers', () => {
  const replay = new Replay(100, { leftBytes: 100 })
  const chunk = Buffer.from('abc')
  replay.append(chunk)
  chunk.fill(0)
  assert.equal(Buffer.concat(replay.pieces()).toString(), 'abc')
})

test('it is full at its own limit', () => {
  const replay = new Replay(10, { leftBytes: 100 })
  assert.ok(replay.append(Buffer.alloc(10)))
  assert.ok(!replay.append(Buffer.alloc(1)))
})

test('it is full when all replays together are, and gives its share back', () => {
  const budget = { leftBytes: 10 }
  const first = new Replay(100, budget)
  const second = new Replay(100, budget)
  assert.ok(first.append(Buffer.alloc(7)))
  assert.ok(!second.append(Buffer.alloc(4)))
  first.drop()
  first.drop()
  assert.equal(budget.leftBytes, 10)
  assert.ok(second.append(Buffer.alloc(10)))
})
