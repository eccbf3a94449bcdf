import { RawClient } from '../../test/helpers/http-client.ts'
import { within } from '../../test/helpers/wait.ts'
import { chatBody } from './setup.ts'

const everyMs = 250
const largeBytes = 10 * 1_000_000

/** One long text, and as many short ones as the limit of 100,000 keys allows: what a scan of the body finds hard differs. */
const bodies = [
  chatBody('large/m', { user: 'x'.repeat(largeBytes) }),
  chatBody('large/m', { messages: Array.from({ length: largeBytes / 250 }, () => ({ role: 'user', content: 'x'.repeat(218) })) })
]

export interface LargeBodies {
  sent: number
  /** Requests by status; 0: not answered. */
  statuses: Record<string, number>
  /** Resolves when every request has ended. */
  stop: () => Promise<void>
}

/** Requests of 10 MB at fixed times, whatever the answers. */
export function sendLargeBodies (port: number): LargeBodies {
  const running: Promise<void>[] = []
  const send = async (body: string): Promise<number> => {
    const client = await RawClient.connect(port)
    try {
      return (await within(client.chat(body), 'a large request is answered')).status
    } finally {
      client.socket.destroy()
    }
  }
  const timer = setInterval(() => {
    running.push(send(bodies[load.sent++ % bodies.length] as string).catch(() => 0).then((status) => {
      load.statuses[status] = (load.statuses[status] ?? 0) + 1
    }))
  }, everyMs)
  const load: LargeBodies = {
    sent: 0,
    statuses: {},
    async stop () {
      clearInterval(timer)
      await Promise.all(running)
    }
  }
  return load
}
