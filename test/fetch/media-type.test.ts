import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { bareMediaType, detectMediaType, mayBe } from '../../src/fetch/media-type.ts'

/** Beginnings as the formats' own specifications have them. */
const files: Readonly<Record<string, Buffer>> = {
  'image/png': Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'),
  'image/jpeg': Buffer.from('ffd8ffe000104a46494600010100', 'hex'),
  'image/gif': Buffer.from('GIF89a\x01\0\x01\0', 'latin1'),
  'image/webp': Buffer.from('RIFF\n\x20\0\0WEBPVP8 ', 'latin1'),
  'image/heic': Buffer.from('\0\0\0\x18ftypheic\0\0\0\0', 'latin1'),
  'image/heif': Buffer.from('\0\0\0\x18ftypmif1\0\0\0\0', 'latin1'),
  'application/pdf': Buffer.from('%PDF-1.7\n', 'latin1')
}

describe('what a fetched file is', () => {
  test('the bytes are believed where the server says the same, or nothing', () => {
    for (const [type, bytes] of Object.entries(files)) {
      assert.equal(detectMediaType(type, bytes), type)
      for (const said of ['', 'application/octet-stream', 'binary/octet-stream']) assert.equal(detectMediaType(said, bytes), type)
    }
  })

  test('an image that is called another image is what its bytes are', () => {
    assert.equal(detectMediaType('image/jpeg', files['image/png'] as Buffer), 'image/png')
    assert.equal(detectMediaType('image/png', files['image/webp'] as Buffer), 'image/webp')
  })

  test('what is neither is refused', () => {
    const html = Buffer.from('<!doctype html><title>Sign in</title>')
    for (const said of ['', 'application/octet-stream', 'image/png', 'image/svg+xml', 'application/pdf', 'text/html']) assert.equal(detectMediaType(said, html), null, said)
    assert.equal(detectMediaType('image/png', files['application/pdf'] as Buffer), null)
    assert.equal(detectMediaType('application/pdf', files['image/png'] as Buffer), null)
    assert.equal(detectMediaType('text/plain', files['image/png'] as Buffer), null)
    assert.equal(detectMediaType('image/png', Buffer.alloc(0)), null)
    assert.equal(detectMediaType('image/png', Buffer.from('89504e47', 'hex')), null)
  })

  test('text may begin with anything', () => {
    assert.equal(detectMediaType('text/plain', Buffer.from('Hello')), 'text/plain')
    assert.equal(detectMediaType('text/plain', Buffer.alloc(0)), 'text/plain')
  })

  test('parameters and case of a content type mean nothing', () => {
    assert.equal(bareMediaType('Text/Plain; charset=utf-8'), 'text/plain')
    assert.equal(bareMediaType(' image/png ;'), 'image/png')
    assert.equal(bareMediaType(''), '')
  })

  test('what cannot be one of the wanted types is not read', () => {
    const images = ['image/png', 'image/jpeg']
    assert.ok(mayBe('image/png', images) && mayBe('image/gif', images) && mayBe('application/octet-stream', images) && mayBe('', images))
    assert.ok(!mayBe('text/html', images) && !mayBe('application/pdf', images) && !mayBe('text/plain', images) && !mayBe('image/png', ['application/pdf']))
    assert.ok(mayBe('text/plain', ['application/pdf', 'text/plain']))
  })
})
