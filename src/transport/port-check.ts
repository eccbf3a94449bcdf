import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'

/**
 * uWebSockets.js binds with SO_REUSEPORT, so a second gateway on the same port would start without a
 * word and take half of the requests. Binding once without it finds that out. A port that the system chooses uWebSockets.js
 * binds without SO_REUSEADDR, and nobody could listen on it again for a minute after a crash; so the choice is made here.
 * @param port 0 for any
 * @returns a port that is free
 * @throws Error with `code` EADDRINUSE, EACCES or EADDRNOTAVAIL
 */
export async function findFreePort (host: string, port: number): Promise<number> {
  const probe = createServer()
  await new Promise<void>((resolve, reject) => {
    probe.once('error', reject)
    probe.listen({ host, port, exclusive: true }, resolve)
  })
  const { port: freePort } = probe.address() as AddressInfo
  await new Promise<void>((resolve) => { probe.close(() => { resolve() }) })
  return freePort
}
