import { clearProgress } from './output.ts'

/** Runs a bench; an error is one line after the progress line, and the process ends with 1. */
export async function runMain (main: () => Promise<void>): Promise<void> {
  try {
    await main()
  } catch (error) {
    clearProgress()
    console.error((error as Error).message)
    process.exitCode = 1
  }
}
