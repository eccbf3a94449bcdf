import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { toForwardedHeaders } from '../../src/router/forwarded-headers.ts'

test('a prefixed header goes up without its prefix, in order and as often as it came', () => {
  assert.equal(toForwardedHeaders([], 'openai'), '')
  assert.equal(toForwardedHeaders(['host', 'a', 'anthropic-beta', 'x'], 'openai'), '')
  assert.equal(
    toForwardedHeaders(['host', 'a', 'x-bf-eh-anthropic-beta', 'x', 'accept', 'b', 'x-bf-eh-openai-organization', 'org', 'x-bf-eh-anthropic-beta', 'y'], 'openai'),
    'anthropic-beta: x\nopenai-organization: org\nanthropic-beta: y')
})

test('what carries credentials, frames the request or belongs to the gateway stays here', () => {
  const denied = [
    'authorization', 'proxy-authorization', 'cookie', 'x-api-key', 'api-key', 'x-goog-api-key',
    'host', 'content-length', 'content-type', 'content-encoding', 'transfer-encoding', 'connection', 'proxy-connection', 'keep-alive', 'te', 'trailer', 'upgrade', 'expect',
    'accept', 'accept-encoding', 'user-agent', 'x-bf-api-key', 'x-bf-eh-authorization', 'x-bf-anything', 'forwarded', 'via', 'x-forwarded-for', 'x-forwarded-host'
  ]
  for (const name of denied) assert.equal(toForwardedHeaders([`x-bf-eh-${name}`, 'x'], 'openai'), '', name)
  // Only whole names are denied.
  assert.equal(toForwardedHeaders(['x-bf-eh-x-authorization-mode', 'x'], 'openai'), 'x-authorization-mode: x')
})

test('a name or value that could break out of its line is left out', () => {
  for (const name of ['', ' ', 'a b', 'a:b', 'a\r', 'a\nb', 'ü', 'a"', 'a(', 'A']) assert.equal(toForwardedHeaders([`x-bf-eh-${name}`, 'x'], 'openai'), '', JSON.stringify(name))
  for (const value of ['a\r\nb: c', 'a\nb', 'a\rb', '\0', '\u007f', 'a\u0100', '😀']) assert.equal(toForwardedHeaders(['x-bf-eh-a', value], 'openai'), '', JSON.stringify(value))
  assert.equal(toForwardedHeaders(['x-bf-eh-a', 'tab\tand \u00ff'], 'openai'), 'a: tab\tand \u00ff')
})

test('every line is one that was asked for, whatever the headers', () => {
  const headers = fc.array(fc.tuple(fc.oneof(fc.string({ unit: 'binary', maxLength: 8 }).map((name) => `x-bf-eh-${name}`), fc.constantFrom('host', 'x-bf-eh-cookie', 'x-bf-eh-a')), fc.string({ unit: 'binary', maxLength: 12 })), { maxLength: 8 })
  fc.assert(fc.property(headers, (pairs) => {
    const lines = toForwardedHeaders(pairs.flat(), 'openai')
    if (lines === '') return
    for (const line of lines.split('\n')) {
      assert.match(line, /^[!#$%&'*+.^_`|~0-9a-z-]+: [\t\x20-\x7e\x80-\xff]*$/)
      const [name, value] = [line.slice(0, line.indexOf(': ')), line.slice(line.indexOf(': ') + 2)]
      assert.ok(pairs.some((pair) => pair[0] === `x-bf-eh-${name}` && pair[1] === value))
      assert.notEqual(name, 'cookie')
    }
  }), { numRuns: 2000 })
})

test('at most 8 KiB go up', () => {
  const many = Array.from({ length: 100 }, (_, index) => [`x-bf-eh-a${index}`, 'v'.repeat(500)]).flat()
  const lines = toForwardedHeaders(many, 'openai')
  assert.ok(lines.length > 7_000 && lines.length <= 8 * 1024, String(lines.length))
  assert.equal(toForwardedHeaders(['x-bf-eh-a', 'v'.repeat(9_000)], 'openai'), '')
})

test('clients of Anthropic\'s dialect need no prefix for its own two headers', () => {
  const headers = ['anthropic-version', '2026-10-21', 'x-api-key', 'secret', 'anthropic-beta', 'a', 'anthropic-dangerous-direct-browser-access', 'true', 'x-bf-eh-x-trace', '1', 'anthropic-beta', 'b']
  assert.equal(toForwardedHeaders(headers, 'anthropic'), 'anthropic-version: 2026-10-21\nanthropic-beta: a\nx-trace: 1\nanthropic-beta: b')
  for (const dialect of ['openai', 'gemini', 'bedrock', 'cohere', 'ollama'] as const) assert.equal(toForwardedHeaders(headers, dialect), 'x-trace: 1')
  // What the prefix names is meant for the provider and goes before.
  assert.equal(toForwardedHeaders(['anthropic-beta', 'a', 'x-bf-eh-anthropic-beta', 'c'], 'anthropic'), 'anthropic-beta: c')
  assert.equal(toForwardedHeaders(['anthropic-beta', 'a\r\nb: c'], 'anthropic'), '')
})
