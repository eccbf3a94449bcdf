/** Variables by name; a variable that is not set is absent or undefined. */
export type Environment = Readonly<Record<string, string | undefined>>

/** The process environment as it is now. The only place of the program that reads it. */
export function readEnvironment (): Environment {
  return { ...process.env }
}
