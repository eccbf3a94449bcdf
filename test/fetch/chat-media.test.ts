import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ChatRequest } from '../../src/api/chat.ts'
import { findMedia, withBytes } from '../../src/fetch/chat-media.ts'

const request: ChatRequest = {
  model: 'm',
  messages: [
    { role: 'system', content: 'Be brief.' },
    {
      role: 'user',
      content: [
        { type: 'text', text: 'https://example.com/only-text.png' },
        { type: 'image_url', image_url: { url: 'https://example.com/a.png', detail: 'low' }, cache_control: { type: 'ephemeral' } },
        { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } },
        { type: 'file', file: { filename: 'report.pdf', file_url: 'HTTP://example.com/report' } },
        { type: 'file', file: { file_data: 'data:application/pdf;base64,AAAA', file_url: 'https://example.com/unused.pdf' } },
        { type: 'file', file: { file_id: 'https://example.com/its-own' } },
        { type: 'image_url', image_url: { url: 'gs://bucket/a.png' } },
        { type: 'file' } as never,
        { type: 'opaque', dialect: 'anthropic', value: {} }
      ]
    },
    { role: 'assistant', content: null },
    { role: 'tool', tool_call_id: 'c', content: [{ type: 'image_url', image_url: { url: ' https://example.com/b.png' } }] }
  ]
}

describe('media in a chat', () => {
  test('what has to be fetched is found in every message, by what the provider wants', () => {
    const asked: unknown[] = []
    const found = findMedia(request, (media) => { asked.push(media); return media.kind === 'image' ? ['image/png'] : null })
    assert.deepEqual(asked, [
      { kind: 'image', url: 'https://example.com/a.png' },
      { kind: 'file', url: 'HTTP://example.com/report', filename: 'report.pdf' },
      { kind: 'image', url: ' https://example.com/b.png' }
    ])
    assert.deepEqual(found, [
      { message: 1, part: 1, url: 'https://example.com/a.png', mediaTypes: ['image/png'], param: 'messages[1].content[1].image_url.url' },
      { message: 3, part: 0, url: ' https://example.com/b.png', mediaTypes: ['image/png'], param: 'messages[3].content[0].image_url.url' }
    ])
  })

  test('bytes take the place of addresses and nothing else changes, in a copy', () => {
    const before = structuredClone(request)
    const found = findMedia(request, () => ['image/png'])
    const filled = withBytes(request, found, [
      { mediaType: 'image/png', bytes: Buffer.from('one') }, { mediaType: 'application/pdf', bytes: Buffer.from('two') }, { mediaType: 'image/webp', bytes: Buffer.from('three') }
    ])
    assert.deepEqual(request, before)
    const expected = structuredClone(request) as { messages: { content: unknown[] }[] }
    const user = expected.messages[1] as { content: unknown[] }
    user.content[1] = { type: 'image_url', image_url: { url: 'data:image/png;base64,b25l', detail: 'low' }, cache_control: { type: 'ephemeral' } }
    user.content[3] = { type: 'file', file: { filename: 'report.pdf', file_data: 'data:application/pdf;base64,dHdv' } }
    const tool = expected.messages[3] as { content: unknown[] }
    tool.content[0] = { type: 'image_url', image_url: { url: 'data:image/webp;base64,dGhyZWU=' } }
    assert.deepEqual(filled, expected)
  })
})
