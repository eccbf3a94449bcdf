import { createServer } from 'node:net'

/**
 * uWebSockets.js binds with SO_REUSEPORT, so a second gateway on the same port would start without a
 * word and take half of the requests. Binding once without it finds that out.
 * @throws Error with `code` EADDRINUSE, EACCES or EADDRNOTAVAIL
 */
export async function checkPortIsFree (host: string, port: number): Promise<void> {
  const probe = createServer()
  await new Promise<void>((resolve, reject) => {
    probe.once('error', reject)
    probe.listen({ host, port, exclusive: true }, resolve)
  })
  await new Promise<void>((resolve) => { probe.close(() => { resolve() }) })
}
