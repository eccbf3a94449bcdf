export interface DelayedTask {
  run(): void
}

export interface Delays {
  after(delayMs: number, task: DelayedTask): void
  close(): void
}

/**
 * Timers for thousands of answers in flight. All tasks that are due in the same millisecond share one
 * Node timer, so the cost is at most 1,000 timers a second however many answers wait. A task cannot be
 * taken back: it checks on its own whether it is still wanted.
 */
export function createDelays (): Delays {
  const buckets = new Map<number, { tasks: DelayedTask[], timer: NodeJS.Timeout }>()

  return {
    after (delayMs, task) {
      const now = performance.now()
      const dueTick = Math.ceil(now + delayMs)
      const bucket = buckets.get(dueTick)
      if (bucket !== undefined) {
        bucket.tasks.push(task)
        return
      }
      const tasks = [task]
      const timer = setTimeout(() => {
        buckets.delete(dueTick)
        for (const due of tasks) due.run()
      }, dueTick - now)
      buckets.set(dueTick, { tasks, timer })
    },

    close () {
      for (const bucket of buckets.values()) clearTimeout(bucket.timer)
      buckets.clear()
    }
  }
}
