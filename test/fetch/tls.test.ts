import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { png } from './file-server.ts'

// The tests run compiled, from dist/; what they read beside code stays where it is.
const fixtures = new URL('../../../test/fixtures/tls/', import.meta.url)
const module = new URL('../../src/fetch/fetch-file.js', import.meta.url).href

describe('files over TLS', () => {
  const server = createServer({ cert: readFileSync(new URL('localhost.cert.pem', fixtures)), key: readFileSync(new URL('localhost.key.pem', fixtures)) }, (_request, response) => {
    response.writeHead(200, { 'content-type': 'image/png' }).end(png)
  })
  before(() => new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) }))
  after(() => { server.close(); server.closeAllConnections() })

  /** In a process of its own, since trust is given when a process starts. Every name resolves to 127.0.0.1. */
  async function fetchFrom (host: string, environment: NodeJS.ProcessEnv = {}): Promise<string> {
    const { port } = server.address() as AddressInfo
    const script = `
      import { fetchFile } from ${JSON.stringify(module)}
      const limits = { allowedHosts: ['${host}:${port}'], fileBytesMax: 1000, connectTimeoutMs: 5000 }
      const file = { url: 'https://${host}:${port}/a.png', mediaTypes: ['image/png'] }
      await fetchFile(file, limits, async () => ['127.0.0.1'], () => {}, AbortSignal.timeout(10000)).then(({ mediaType, bytes }) => { console.log(mediaType, bytes.length) }, (error) => { console.log(error.message) })
      process.exit()`
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { env: { ...process.env, ...environment } })
    return stdout.trim()
  }
  const trusting = { NODE_EXTRA_CA_CERTS: new URL('localhost.cert.pem', fixtures).pathname }

  test('come when the certificate is trusted and for the host of the URL', async () => {
    assert.equal(await fetchFrom('localhost', trusting), `image/png ${png.length}`)
  })

  test('are refused when it is of nobody known', async () => {
    assert.equal(await fetchFrom('localhost'), 'the connection failed: DEPTH_ZERO_SELF_SIGNED_CERT')
  })

  test('are refused when it is for another host', async () => {
    assert.equal(await fetchFrom('files.example', trusting), 'the connection failed: ERR_TLS_CERT_ALTNAME_INVALID')
  })
})
