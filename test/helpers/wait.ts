/** A gate between a test and a script: one side waits, the other opens it. */
export interface Signal<T = void> {
  promise: Promise<T>
  resolve: (value: T) => void
}

export function createSignal<T = void> (): Signal<T> {
  let resolve: (value: T) => void = () => {}
  const promise = new Promise<T>((_resolve) => { resolve = _resolve })
  return { promise, resolve }
}

/** How long a test waits for what should happen at once, in milliseconds. */
const patienceMs = 10_000

/** The promise, or a failure that says what did not happen. */
export async function within<T> (promise: Promise<T>, what: string, limitMs = patienceMs): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const deadline = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => { reject(new Error(`not within ${limitMs} ms: ${what}`)) }, limitMs)
  })
  try {
    return await Promise.race([promise, deadline])
  } finally {
    clearTimeout(timer)
  }
}

/** Looks every 5 ms until `check` holds. Only for state that has no event. */
export async function eventually (check: () => boolean | Promise<boolean>, what: string, limitMs = patienceMs): Promise<void> {
  const deadlineMs = performance.now() + limitMs
  while (!await check()) {
    if (performance.now() > deadlineMs) throw new Error(`not within ${limitMs} ms: ${what}`)
    await pause(5)
  }
}

/** Time that has to pass because nothing must happen in it. */
export function pause (durationMs: number): Promise<void> {
  return new Promise((resolve) => { setTimeout(resolve, durationMs) })
}
