/** One thing that is wrong with the configuration. */
export interface ConfigProblem {
  /** Dotted path like `providers.openai.keys[0].weight`; the name of a variable or flag; or the file. */
  path: string
  /** The offending value as text, `<redacted>` where it could be a secret; empty when there is none. */
  value: string
  /** What is allowed. */
  message: string
}

/** The configuration was refused. Carries every problem that was found, not only the first. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly problems: readonly ConfigProblem[]

  constructor (problems: readonly ConfigProblem[]) {
    super(problems.map(formatProblem).join('\n'))
    this.problems = problems
  }

  /** One problem per line. */
  format (): string {
    return this.message
  }
}

function formatProblem (problem: ConfigProblem): string {
  const value = problem.value === '' ? '' : ` = ${problem.value}`
  return `${problem.path}${value}: ${problem.message}`
}

/** Collects problems during a load; one per path, the first one wins. */
export class ProblemList {
  readonly #byPath = new Map<string, ConfigProblem>()

  add (problem: ConfigProblem): void {
    if (!this.#byPath.has(problem.path)) this.#byPath.set(problem.path, problem)
  }

  /** Whether the value at this path is already known to be wrong. */
  has (path: string): boolean {
    return this.#byPath.has(path)
  }

  /** Whether something at or below this path is already known to be wrong. */
  hasUnder (path: string): boolean {
    return [...this.#byPath.keys()].some((known) => known === path || known.startsWith(`${path}.`) || known.startsWith(`${path}[`))
  }

  get all (): ConfigProblem[] {
    return [...this.#byPath.values()]
  }
}
