import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { importCycles, projectRoot, reachedAtRunTime, readImportGraph } from './import-graph.ts'

const root = projectRoot(import.meta.dirname)

/** Parts of `src/` that a worker thread must never load. */
const frontOnly = /^src\/(transport|router|plugins|mcp|pool|metrics|config|single-flight|mock-upstream)\/|^src\/(gateway|main|cli|supervisor|index)\.ts$/

// Each check takes a root and returns the problems found, so that the planted trees below can prove it red.

function frontFilesInWorkers (directory: string): string[] {
  const graph = readImportGraph(directory, ['src', 'workers'])
  return workerEntries(directory).flatMap((entry) =>
    [...reachedAtRunTime(graph, entry)]
      .filter(([file]) => frontOnly.test(file))
      .map(([, chain]) => chain.join(' -> ')))
}

function importsOfWorkers (directory: string): string[] {
  return [...readImportGraph(directory, ['src'])].flatMap(([file, imports]) =>
    imports.filter(({ to }) => to.startsWith('workers/')).map(({ to }) => `${file} -> ${to}`))
}

function filesOverLimit (directory: string): string[] {
  const limits = [...workerEntries(directory).map((file) => ({ file, lines: 80 })), ...['src/gateway.ts', 'src/request-run.ts'].map((file) => ({ file, lines: 200 }))]
  return limits
    .map(({ file, lines }) => ({ file, lines, found: lineCount(readFileSync(join(directory, file), 'utf8')) }))
    .filter(({ lines, found }) => found >= lines)
    .map(({ file, lines, found }) => `${file} has ${found} lines, must stay under ${lines}`)
}

function cycles (directory: string): string[] {
  return importCycles(readImportGraph(directory, ['src', 'workers'])).map((files) => files.join(', '))
}

function workerEntries (directory: string): string[] {
  return readdirSync(join(directory, 'workers')).filter((file) => file.endsWith('.ts')).map((file) => `workers/${file}`)
}

function lineCount (text: string): number {
  return text.split('\n').length - (text.endsWith('\n') ? 1 : 0)
}

/** A small project with the given files; whatever the checks need and the test does not care about is filled in. */
function plant (t: TestContext, files: Record<string, string>): string {
  const directory = mkdtempSync(join(tmpdir(), 'import-graph-'))
  t.after(() => rmSync(directory, { recursive: true }))
  for (const [file, source] of Object.entries({ 'workers/provider.ts': '', 'src/gateway.ts': '', 'src/request-run.ts': '', ...files })) {
    mkdirSync(dirname(join(directory, file)), { recursive: true })
    writeFileSync(join(directory, file), source)
  }
  return directory
}

test('there is a worker entry to check', () => {
  assert.ok(workerEntries(root).includes('workers/provider.ts'))
})

test('no worker entry loads a file that belongs to the front thread', () => {
  assert.deepEqual(frontFilesInWorkers(root), [])
})

test('a worker that loads a front file through another file is found', (t) => {
  const directory = plant(t, {
    'workers/provider.ts': "import { a } from '../src/attempts/a.ts'\nconsole.log(a)\n",
    'src/attempts/a.ts': "export { a } from '../router/b.ts'\n",
    'src/router/b.ts': 'export const a = 1\n'
  })
  assert.deepEqual(frontFilesInWorkers(directory), ['workers/provider.ts -> src/attempts/a.ts -> src/router/b.ts'])
})

test('every front part, a dynamic import and an inline type import are found', (t) => {
  for (const part of ['transport', 'router', 'plugins', 'mcp', 'pool', 'metrics', 'config']) {
    const directory = plant(t, {
      'workers/provider.ts': `import '../src/${part}/a.ts'\n`,
      [`src/${part}/a.ts`]: 'export type A = 1\n'
    })
    assert.deepEqual(frontFilesInWorkers(directory), [`workers/provider.ts -> src/${part}/a.ts`])
  }
  for (const line of ["await import('../src/pool/a.ts')", "import { type A } from '../src/pool/a.ts'", "export * from '../src/pool/a.ts'"]) {
    const directory = plant(t, { 'workers/provider.ts': `${line}\n`, 'src/pool/a.ts': 'export type A = 1\n' })
    assert.deepEqual(frontFilesInWorkers(directory), ['workers/provider.ts -> src/pool/a.ts'], line)
  }
})

test('a type-only import of a front file is no run-time import', (t) => {
  const directory = plant(t, {
    'workers/provider.ts': "import type { A } from '../src/pool/a.ts'\nexport type { B } from '../src/pool/a.ts'\nexport type C = A | import('../src/pool/a.ts').B\n",
    'src/pool/a.ts': 'export type A = 1\nexport type B = 2\n'
  })
  assert.deepEqual(frontFilesInWorkers(directory), [])
})

test('nothing in src/ imports from workers/', () => {
  assert.deepEqual(importsOfWorkers(root), [])
})

test('a file of src/ that imports from workers/, a type even, is found', (t) => {
  const directory = plant(t, { 'src/pool/a.ts': "import type { A } from '../../workers/provider.ts'\nexport type B = A\n" })
  assert.deepEqual(importsOfWorkers(directory), ['src/pool/a.ts -> workers/provider.ts'])
})

test('worker entries, the gateway and the run of a request stay short', () => {
  assert.deepEqual(filesOverLimit(root), [])
})

test('a file at the limit is found, one line below it is not', (t) => {
  assert.deepEqual(filesOverLimit(plant(t, { 'workers/provider.ts': '\n'.repeat(79), 'src/gateway.ts': '\n'.repeat(199) })), [])
  assert.deepEqual(filesOverLimit(plant(t, { 'workers/provider.ts': '\n'.repeat(80), 'src/gateway.ts': '\n'.repeat(200) })), [
    'workers/provider.ts has 80 lines, must stay under 80',
    'src/gateway.ts has 200 lines, must stay under 200'
  ])
})

test('there are no import cycles', () => {
  assert.deepEqual(cycles(root), [])
})

test('a cycle is found, one that only types close too', (t) => {
  const directory = plant(t, {
    'src/a.ts': "import { b } from './b.ts'\nimport { e } from './e.ts'\nexport const a = [b, e]\n",
    'src/b.ts': "import { c } from './c.ts'\nexport const b = c\n",
    'src/c.ts': "import type { A } from './a.ts'\nexport const c = 1 as A\n",
    'src/d.ts': "import { a } from './a.ts'\nimport { e } from './e.ts'\nexport const d = [a, e]\n",
    'src/e.ts': 'export const e = 1\n',
    'src/f.ts': "export * from './f.ts'\n"
  })
  assert.deepEqual(cycles(directory), ['src/a.ts, src/b.ts, src/c.ts', 'src/f.ts'])
})
