import assert from 'node:assert/strict'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { uwsBinaryHashes } from '../src/transport/uws-binary-hashes.ts'
import { verifyUwsBinary } from '../src/transport/uws-binary.ts'

const name = `uws_${process.platform}_${process.arch}_${process.versions.modules}.node`
const installed = dirname(createRequire(import.meta.url).resolve('uWebSockets.js'))

function copyOfInstalled (t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'uws-binary-'))
  t.after(() => rmSync(directory, { recursive: true }))
  copyFileSync(join(installed, name), join(directory, name))
  return directory
}

test('the installed uWebSockets.js binary is the reviewed one', () => {
  verifyUwsBinary()
})

test('an unchanged copy passes', (t) => {
  verifyUwsBinary(copyOfInstalled(t))
})

test('a copy with one changed bit is refused, and the error says what was found', (t) => {
  const directory = copyOfInstalled(t)
  const file = join(directory, name)
  const bytes = readFileSync(file)
  const middle = bytes.length >> 1
  bytes.writeUInt8(bytes.readUInt8(middle) ^ 1, middle)
  writeFileSync(file, bytes)
  assert.throws(() => verifyUwsBinary(directory), (error: Error) => {
    assert.ok(error.message.includes(file))
    assert.ok(error.message.includes(`expected ${uwsBinaryHashes[name]}`))
    assert.match(error.message, /sha256 is [0-9a-f]{64}/)
    assert.ok(error.message.includes('docs/decisions/2026-11-23-uwebsockets-from-npm.md'))
    return true
  })
})

test('a missing binary is refused', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'uws-binary-'))
  t.after(() => rmSync(directory, { recursive: true }))
  assert.throws(() => verifyUwsBinary(directory), { code: 'ENOENT' })
})

test('a Node.js version that the list does not know is refused', (t) => {
  const versions = process.versions
  Object.defineProperty(process, 'versions', { value: { ...versions, modules: '999' }, configurable: true })
  t.after(() => { Object.defineProperty(process, 'versions', { value: versions, configurable: true }) })
  assert.throws(() => verifyUwsBinary(installed), /no reviewed binary .*_999\.node is not in the list/)
})

test('the list holds a well-formed hash for all 54 binaries, and this pin', () => {
  const entries = Object.entries(uwsBinaryHashes)
  assert.equal(entries.length, 54)
  for (const [file, hash] of entries) {
    assert.match(file, /^uws_(darwin|linux|win32)_(arm|arm64|x64)_\d+\.node$/)
    assert.match(hash, /^[0-9a-f]{64}$/)
  }
  assert.equal(uwsBinaryHashes['uws_linux_x64_115.node'], 'f4fa5d7b697529b45ac8aa3d57385d9af51bc1d2b26aa9f5b68ca4361542e665')
})
