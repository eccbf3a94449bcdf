import { runThreadTask } from '../src/attempts/thread-task.ts'
import type { ThreadTask } from '../src/attempts/thread-task.ts'

/** Entry of every provider thread. Piscina calls it once per thread; it returns when the thread is drained. */
export default function provider (task: ThreadTask): Promise<void> {
  return runThreadTask(task)
}
