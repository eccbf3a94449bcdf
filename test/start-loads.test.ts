import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'

/** Imports what the front process imports, and prints the packages of the CommonJS files that this has loaded. */
const program = `
  import { createRequire } from 'node:module'
  await import(process.argv[1])
  const files = Object.keys(createRequire(process.argv[1]).cache)
  console.log(JSON.stringify([...new Set(files.map((file) => /node_modules\\/((@[^/]+\\/)?[^/]+)/.exec(file)?.[1]))]))
`

test('a start loads what it needs to listen, and none of the large packages that only some requests need', async () => {
  const main = new URL('../src/main.js', import.meta.url).href
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program, main])
  const packages = JSON.parse(stdout) as string[]
  for (const needed of ['hyper-express', 'pino', 'prom-client']) assert.ok(packages.includes(needed), `${needed} of ${packages.join(', ')}`)
  for (const later of ['@opentelemetry/api', 'undici', '@smithy/eventstream-codec', 'google-auth-library', 'socks']) assert.ok(!packages.includes(later), later)
})
