import { createHash } from 'node:crypto'
import { closeSync, openSync, readSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { uwsBinaryHashes } from './uws-binary-hashes.ts'

const pieceBytes = 256 * 1024
const decision = 'docs/decisions/2026-11-23-uwebsockets-from-npm.md'

/**
 * Refuses a uWebSockets.js binary that is not the reviewed one. It is native code which nobody signs,
 * so its bytes are compared with a committed hash. Call it before anything imports hyper-express,
 * because loading the file already runs it. Costs one read and hash of 7 MB, once per process.
 */
export function verifyUwsBinary (directory = uwsDirectory()): void {
  const name = `uws_${process.platform}_${process.arch}_${process.versions.modules}.node`
  const file = join(directory, name)
  const expected = uwsBinaryHashes[name]
  if (expected === undefined) {
    throw new Error(`uWebSockets.js has no reviewed binary for this platform and Node.js version: ${file} is not in the list (see ${decision}).`)
  }
  const found = sha256(file)
  if (found !== expected) {
    throw new Error(`${file} is not the reviewed uWebSockets.js binary: sha256 is ${found}, expected ${expected} (see ${decision}).`)
  }
}

/** In pieces: one buffer for the whole file takes longer to come by than to hash. */
function sha256 (file: string): string {
  const hash = createHash('sha256')
  const piece = Buffer.allocUnsafe(pieceBytes)
  const descriptor = openSync(file, 'r')
  try {
    let bytes: number
    while ((bytes = readSync(descriptor, piece)) > 0) hash.update(piece.subarray(0, bytes))
  } finally {
    closeSync(descriptor)
  }
  return hash.digest('hex')
}

/** Asks from where hyper-express stands: that is the copy it will load. */
function uwsDirectory (): string {
  const hyperExpress = createRequire(import.meta.url).resolve('hyper-express')
  return dirname(createRequire(hyperExpress).resolve('uWebSockets.js'))
}
