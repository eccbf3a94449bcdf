import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createServer } from 'node:tls'
import type { Server } from 'node:tls'
import type { AddressInfo } from 'node:net'
import { ok, refusedPort } from '../../test/helpers/faults.ts'
import { percentile } from './lanes.ts'
import type { ScoreboardRow } from './scoreboard-row.ts'
import { askOnce, httpProvider, withGateway } from './setup.ts'

const fallbackMsMax = 100
/** Longer than a label may be: the resolver refuses it by itself, so that no name server is part of the figure. */
const unresolvableLabel = 'a'.repeat(64)
// The bench runs compiled, from dist/; what it reads beside code stays where it is.
const fixtures = join(import.meta.dirname, '..', '..', '..', 'test', 'fixtures', 'tls')
const certificate = readFileSync(join(fixtures, 'localhost.cert.pem'), 'utf8')
const key = readFileSync(join(fixtures, 'localhost.key.pem'), 'utf8')

/** A TLS server whose certificate is for localhost and 127.0.0.1. */
async function startTls (host: string): Promise<{ server: Server, port: number }> {
  const server = createServer({ cert: certificate, key })
  server.on('tlsClientError', () => {})
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, host, resolve)
  })
  return { server, port: (server.address() as AddressInfo).port }
}

/** Providers that no connection leads to. Every request asks for a model of its own, so that no breaker steps in. */
export const unreachable: ScoreboardRow = {
  row: 11,
  fault: 'no connection',
  async run ({ quick, onProgress }) {
    const count = quick ? 5 : 50
    const [selfSigned, wrongHost] = await Promise.all([startTls('127.0.0.1'), startTls('127.0.0.2')])
    const refused = await refusedPort()
    try {
      return await withGateway(ok, (url) => ({
        providers: {
          unresolved: httpProvider(`http://${unresolvableLabel}.invalid`),
          refused: httpProvider(`http://127.0.0.1:${refused}`),
          'self-signed': httpProvider(`https://127.0.0.1:${selfSigned.port}`),
          'wrong-host': httpProvider(`https://127.0.0.2:${wrongHost.port}`, { ca_cert_pem: certificate }),
          other: httpProvider(url)
        }
      }), async ({ gateway }) => {
        const checks = []
        const figures: Record<string, unknown> = {}
        for (const provider of ['unresolved', 'refused', 'self-signed', 'wrong-host']) {
          onProgress(`row 11: ${provider}`)
          const errors: Record<string, number> = {}
          const ms: number[] = []
          let served = 0
          for (let index = 0; index < count; index++) {
            const { response: alone } = await askOnce(gateway.port, `${provider}/a${index}`)
            const { error } = alone.json
            const reason = /: ([A-Z_]+)\.$/.exec(error.message)?.[1] ?? error.message
            const said = `${alone.status} ${error.type} (${reason})`
            errors[said] = (errors[said] ?? 0) + 1
            const { response, endMs } = await askOnce(gateway.port, `${provider}/f${index}`, { fallbacks: ['other/m'] })
            ms.push(endMs)
            if (response.status === 200 && response.headers['x-bifrost-provider'] === 'other') served++
          }
          const p99Ms = percentile(ms, 99)
          const kinds = Object.keys(errors)
          figures[provider] = { errors, served, p50Ms: percentile(ms, 50), p99Ms }
          checks.push({
            name: `${this.fault}: ${provider}, ${count} requests each: error without a fallback; served by the fallback, ms`,
            wanted: `502 upstream_connect_error; all, p99 <= ${fallbackMsMax}`,
            measured: `${kinds.join(', ')}; ${served}, p50 ${percentile(ms, 50).toFixed(1)}, p99 ${p99Ms.toFixed(1)}`,
            pass: kinds.length === 1 && (kinds[0] ?? '').startsWith('502 upstream_connect_error') && served === count && p99Ms <= fallbackMsMax
          })
        }
        return { figures, checks }
      })
    } finally {
      selfSigned.server.close()
      wrongHost.server.close()
    }
  }
}
