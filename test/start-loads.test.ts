import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'

/** Imports what the front process imports, loads the rest if so asked, and prints the packages of the CommonJS files that this has loaded. */
const program = `
  import { createRequire } from 'node:module'
  const { loadRest } = await import(process.argv[1])
  if (process.argv[2] === 'rest') loadRest()
  const files = Object.keys(createRequire(process.argv[1]).cache)
  console.log(JSON.stringify([...new Set(files.map((file) => /node_modules\\/((@[^/]+\\/)?[^/]+)/.exec(file)?.[1]))]))
`

async function packagesLoaded (what: 'start' | 'rest'): Promise<string[]> {
  const main = new URL('../src/main.js', import.meta.url).href
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program, main, what])
  return JSON.parse(stdout) as string[]
}

test('a start loads what it needs to listen, and none of the large packages that only some requests need', async () => {
  const packages = await packagesLoaded('start')
  for (const needed of ['hyper-express', 'pino', 'prom-client']) assert.ok(packages.includes(needed), `${needed} of ${packages.join(', ')}`)
  for (const later of ['@opentelemetry/api', '@pydantic/genai-prices', 'undici', '@smithy/eventstream-codec', 'google-auth-library', 'socks']) assert.ok(!packages.includes(later), later)
})

test('what is loaded after a start, or while a spare front waits, is what every first request needs', async () => {
  const packages = await packagesLoaded('rest')
  for (const needed of ['@opentelemetry/api', '@pydantic/genai-prices']) assert.ok(packages.includes(needed), `${needed} of ${packages.join(', ')}`)
})
