import { readFileSync } from 'node:fs'

// The tests run compiled, from dist/; what they read beside code stays where it is.
const fixtures = new URL('../../../test/fixtures/tls/', import.meta.url)

/** Of a server at localhost, signed by itself; PEM. */
export const cert = readFileSync(new URL('localhost.cert.pem', fixtures), 'utf8')
export const key = readFileSync(new URL('localhost.key.pem', fixtures), 'utf8')
