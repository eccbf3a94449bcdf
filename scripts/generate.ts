// Writes the files that are generated from other files. With --check it writes nothing, names the files
// that are out of date and exits with 1.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { generateConfigFiles } from './generate-config.ts'
import { generateErrorFiles } from './generate-errors.ts'
import { generateOutcomeFiles } from './generate-outcomes.ts'
import { generateProviderFiles } from './generate-providers.ts'

/** Each gives path from the root of the repository -> content. */
const generators = [generateConfigFiles, generateErrorFiles, generateOutcomeFiles, generateProviderFiles]

const root = process.cwd() // npm runs scripts in the root of the package
const check = process.argv.includes('--check')

for (const generator of generators) {
  for (const [path, content] of Object.entries(await generator())) {
    if (readOrEmpty(join(root, path)) === content) continue
    if (check) {
      console.error(`${path} is out of date: run npm run generate`)
      process.exitCode = 1
    } else {
      mkdirSync(dirname(join(root, path)), { recursive: true })
      writeFileSync(join(root, path), content)
      console.log(`wrote ${path}`)
    }
  }
}

function readOrEmpty (path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
