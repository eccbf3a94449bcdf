import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import ts from 'typescript'

export interface Import {
  /** Path from the root, with `/`. */
  to: string
  /** True for imports that leave no trace in the compiled file. */
  typeOnly: boolean
}

/** File -> what it imports, both as paths from the root; packages are left out. */
export type ImportGraph = ReadonlyMap<string, readonly Import[]>

/** The nearest folder above with a tsconfig.json: the sources, also when this runs compiled. */
export function projectRoot (from: string): string {
  if (readdirSync(from).includes('tsconfig.json')) return from
  const parent = dirname(from)
  if (parent === from) throw new Error('no tsconfig.json in any folder above')
  return projectRoot(parent)
}

export function readImportGraph (root: string, folders: readonly string[]): ImportGraph {
  const graph = new Map<string, Import[]>()
  for (const folder of folders) {
    for (const file of readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })) {
      if (!file.endsWith('.ts')) continue
      const path = posix.join(folder, file.replaceAll('\\', '/'))
      graph.set(path, importsOf(path, readFileSync(join(root, path), 'utf8')))
    }
  }
  return graph
}

function importsOf (path: string, source: string): Import[] {
  const imports: Import[] = []
  const add = (specifier: ts.Node | undefined, typeOnly: boolean): void => {
    if (specifier === undefined || !ts.isStringLiteralLike(specifier) || !specifier.text.startsWith('.')) return
    imports.push({ to: posix.join(posix.dirname(path), specifier.text), typeOnly })
  }
  const visit = (node: ts.Node): void => {
    // `import { type A }` is not type-only: under verbatimModuleSyntax it still loads the file.
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, node.importClause?.isTypeOnly === true)
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly)
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal, true)
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) add(node.arguments[0], false)
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile(path, source, ts.ScriptTarget.Latest))
  return imports
}

/** File that is loaded with the entry -> the chain of imports that leads to it. */
export function reachedAtRunTime (graph: ImportGraph, entry: string): ReadonlyMap<string, readonly string[]> {
  const chains = new Map<string, readonly string[]>([[entry, [entry]]])
  // A Map may grow while it is walked, so it serves as the queue too.
  for (const [file, chain] of chains) {
    for (const { to, typeOnly } of graph.get(file) ?? []) {
      if (!typeOnly && !chains.has(to)) chains.set(to, [...chain, to])
    }
  }
  return chains
}

/** Groups of files that import each other in a circle, type-only imports included (Tarjan's algorithm). */
export function importCycles (graph: ImportGraph): string[][] {
  const cycles: string[][] = []
  const index = new Map<string, number>()
  const stack: string[] = []

  const connect = (file: string): number => {
    let lowest = index.size
    index.set(file, lowest)
    stack.push(file)
    for (const { to } of graph.get(file) ?? []) {
      if (!graph.has(to)) continue
      if (!index.has(to)) lowest = Math.min(lowest, connect(to))
      else if (stack.includes(to)) lowest = Math.min(lowest, index.get(to) ?? lowest)
    }
    if (lowest === index.get(file)) {
      const group = stack.splice(stack.indexOf(file))
      const importsItself = graph.get(file)?.some(({ to }) => to === file) === true
      if (group.length > 1 || importsItself) cycles.push(group.sort())
    }
    return lowest
  }

  for (const file of graph.keys()) {
    if (!index.has(file)) connect(file)
  }
  return cycles
}
