import { spawn } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { plantedBugs } from './list.ts'
import type { PlantedBug, Suite } from './list.ts'

/** The longest suite takes half a minute. */
const suiteTimeoutMs = 300_000

export interface SuiteRun {
  exitCode: number
  output: string
}

/** A copy of the build in which bugs are planted; the build itself stays as it is. */
export class Nursery {
  readonly folder: string

  constructor () {
    const dist = findDist()
    this.folder = mkdtempSync(join(tmpdir(), 'bifrost-bugs-'))
    for (const part of ['src', 'workers', 'test', 'scripts', 'package.json']) {
      cpSync(join(dist, part), join(this.folder, 'dist', part), { recursive: true, filter: (file) => !file.endsWith('.map') })
    }
    const root = dirname(dist)
    symlinkSync(realpathSync(join(root, 'node_modules')), join(this.folder, 'node_modules'))
    cpSync(join(root, 'package.json'), join(this.folder, 'package.json'))
  }

  /**
   * @returns what takes the bug out again
   * @throws Error when the text is not there, or more than once: the bug must follow the code
   */
  plant ({ name, file, find, replace }: PlantedBug): () => void {
    const path = join(this.folder, 'dist', 'src', file)
    const text = readFileSync(path, 'utf8')
    const places = text.split(find).length - 1
    if (places !== 1) throw new Error(`the bug ${name} cannot be planted: ${JSON.stringify(find)} stands ${places} times in dist/src/${file}, must be once`)
    writeFileSync(path, text.replace(find, () => replace))
    return () => { writeFileSync(path, text) }
  }

  run (suite: Suite): Promise<SuiteRun> {
    const command = 'seeds' in suite ? ['test/sim/run.js', '--seeds', String(suite.seeds)] : ['scripts/test.js', suite.tests]
    return this.start(command)
  }

  /** @param command a script below `dist/` and its arguments */
  start ([script = '', ...parameters]: readonly string[]): Promise<SuiteRun> {
    // The runner of tests tells its children where to report; a suite that is started here has nothing to do with it.
    const { NODE_TEST_CONTEXT: _context, BIFROST_BUG: _bug, ...environment } = process.env
    const child = spawn(process.execPath, [join(this.folder, 'dist', script), ...parameters], { cwd: this.folder, env: environment, stdio: ['ignore', 'pipe', 'pipe'], timeout: suiteTimeoutMs })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => { output += text })
    return new Promise((resolve, reject) => {
      child.on('error', reject)
      child.on('close', (code) => { resolve({ exitCode: code ?? -1, output }) })
    })
  }

  destroy (): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}

export function findBug (name: string): PlantedBug {
  const bug = plantedBugs.find((one) => one.name === name)
  if (bug === undefined) throw new Error(`there is no planted bug ${name}; there are ${plantedBugs.map((one) => one.name).join(', ')}`)
  return bug
}

/** Red for the right reason: the suite fails, and with what is about this bug. */
export function isCaught ({ caughtBy, suite }: PlantedBug, { exitCode, output }: SuiteRun): boolean {
  const lines = output.split('\n').filter((line) => line.startsWith('seeds' in suite ? 'rule: ' : 'failed: '))
  return exitCode === 1 && lines.some((line) => line.includes(caughtBy))
}

function findDist (): string {
  let folder = import.meta.dirname
  while (!folder.endsWith('/dist')) folder = dirname(folder)
  return folder
}
