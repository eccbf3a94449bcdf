// Compiles TypeScript to dist/, copies what tsc leaves behind, and compiles the schema of the config. Plain JavaScript, because it
// runs before there is a build. Incremental: a second run with nothing changed takes about a second.
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Ajv } from 'ajv'
import standalone from 'ajv/dist/standalone/index.js'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc')

try {
  execFileSync(process.execPath, [tsc, '-p', 'tsconfig.json'], { cwd: root, stdio: 'inherit' })
} catch {
  process.exit(1) // tsc has already printed what is wrong
}
for (const file of ['src/config/schema.json', 'package.json']) {
  if (!existsSync(join(root, file))) continue
  mkdirSync(dirname(join(root, 'dist', file)), { recursive: true })
  cpSync(join(root, file), join(root, 'dist', file))
}

// Whether the schema itself is sound, a test checks.
const ajv = new Ajv({ allErrors: true, useDefaults: true, messages: false, strict: false, validateSchema: false, meta: false, code: { source: true } })
const schema = JSON.parse(readFileSync(join(root, 'src/config/schema.json'), 'utf8'))
writeFileSync(join(root, 'dist/src/config/validate-schema.cjs'), standalone.default(ajv, ajv.compile(schema)))
