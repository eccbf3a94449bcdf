import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { MediaReference } from '../../src/api/media-reference.ts'
import { createAnthropicFamily } from '../../src/providers/anthropic/provider.ts'
import { createBedrockFamily } from '../../src/providers/bedrock/provider.ts'
import { createCohereFamily } from '../../src/providers/cohere/provider.ts'
import type { Family } from '../../src/providers/family.ts'
import { createGeminiFamily } from '../../src/providers/gemini/provider.ts'
import { createMistralFamily } from '../../src/providers/mistral/provider.ts'
import { createOllamaFamily } from '../../src/providers/ollama/provider.ts'
import { createOpenAiFamily } from '../../src/providers/openai/provider.ts'
import { createVertexFamily } from '../../src/providers/vertex/provider.ts'
import { createProvider } from '../router/settings.ts'

const settings = createProvider('p')
const bedrock = createBedrockFamily(settings)
const gemini = createGeminiFamily(settings)
const ollama = createOllamaFamily(settings)
const vertex = createVertexFamily(settings)
const image = (url: string): MediaReference => ({ kind: 'image', url })
const file = (url: string, filename?: string): MediaReference => ({ kind: 'file', url, ...filename === undefined ? {} : { filename } })
const typesOf = (family: Family, media: MediaReference, model: string): readonly string[] | null => family.fetchedTypes?.(media, model) ?? null

describe('what is fetched for whom', () => {
  test('vendors that take addresses are left alone', () => {
    for (const create of [createAnthropicFamily, createCohereFamily, createMistralFamily, createOpenAiFamily]) assert.equal(create(settings).fetchedTypes, undefined)
  })

  // The formats of the Converse API: ImageBlock.format is png | jpeg | gif | webp, DocumentBlock.format begins with pdf.
  test('Bedrock takes everything as bytes', () => {
    assert.deepEqual(typesOf(bedrock, image('https://example.com/a'), 'm'), ['image/png', 'image/jpeg', 'image/gif', 'image/webp'])
    assert.deepEqual(typesOf(bedrock, file('https://example.com/a.docx'), 'm'), ['application/pdf', 'text/plain'])
  })

  test('Ollama takes images as bytes, and no files', () => {
    assert.deepEqual(typesOf(ollama, image('https://example.com/a'), 'm'), ['image/png', 'image/jpeg', 'image/webp'])
    assert.equal(typesOf(ollama, file('https://example.com/a.pdf'), 'm'), null)
  })

  // https://ai.google.dev/gemini-api/docs/file-input-methods: https URLs with a media type, not for Gemini 2.0.
  test('Gemini is told addresses that it can fetch', () => {
    const images = ['image/png', 'image/jpeg', 'image/webp', 'image/heic', 'image/heif']
    const files = [...images, 'application/pdf', 'text/plain']
    for (const model of ['gemini-2.5-flash', 'models/gemini-3-pro-preview', 'gemini-flash-latest']) {
      assert.equal(typesOf(gemini, image('https://example.com/a.png?x=1'), model), null)
      assert.equal(typesOf(gemini, file('https://example.com/download', 'a.pdf'), model), null)
      assert.deepEqual(typesOf(gemini, image('https://example.com/download'), model), images)
      assert.deepEqual(typesOf(gemini, image('http://example.com/a.png'), model), images)
      assert.deepEqual(typesOf(gemini, file('HTTP://example.com/a.pdf'), model), files)
    }
    for (const model of ['gemini-2.0-flash', 'gemini-1.5-pro', 'gemma-3-27b-it']) {
      assert.deepEqual(typesOf(gemini, image('https://example.com/a.png'), model), images)
      assert.deepEqual(typesOf(gemini, file('https://example.com/a.pdf'), model), files)
    }
    assert.deepEqual(typesOf(vertex, image('http://example.com/a.png'), 'gemini-2.0-flash'), images)
    assert.equal(typesOf(vertex, image('https://example.com/a.png'), 'gemini-2.0-flash'), null)
  })

  test('what only Google can get, and what the gateway does not fetch, stays an address', () => {
    for (const url of ['https://generativelanguage.googleapis.com/v1beta/files/abc', 'https://www.youtube.com/watch?v=x', 'https://youtu.be/x']) {
      assert.equal(typesOf(gemini, file(url), 'gemini-2.0-flash'), null, url)
    }
    assert.equal(typesOf(gemini, file('https://example.com/a.mp4'), 'gemini-2.0-flash'), null)
    assert.equal(typesOf(gemini, file('http://example.com/a.mp3'), 'gemini-2.5-flash'), null)
  })

  // https://platform.claude.com/docs/en/build-with-claude/vision: base64 is the only source on Google Cloud.
  test("Anthropic's models on Vertex AI take bytes", () => {
    assert.deepEqual(typesOf(vertex, image('https://example.com/a.png'), 'claude-sonnet-4-5'), ['image/png', 'image/jpeg', 'image/gif', 'image/webp'])
    assert.ok(typesOf(vertex, file('https://example.com/a.pdf'), 'claude-sonnet-4-5')?.includes('application/pdf'))
  })
})
