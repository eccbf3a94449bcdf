// Compiles TypeScript to dist/ and copies what tsc leaves behind. Plain JavaScript, because it runs
// before there is a build. Incremental: a second run with nothing changed takes about a second.
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

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
