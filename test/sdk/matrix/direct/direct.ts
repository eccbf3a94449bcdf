import type { SdkClient } from '../cells.ts'
import type { FakeProvider } from '../fake-provider.ts'
import type { FakeServer } from '../fake-server.ts'

/** A vendor's SDK at its own vendor's fake, without a gateway between them: it shows that the fake speaks as the vendor does. */
export interface DirectPair {
  name: string
  provider: FakeProvider
  connect: (server: FakeServer) => SdkClient['run']
  /** Posts a request that is all right but for what the test breaks in it. */
  post: (server: FakeServer, body: object) => Promise<Response>
  /** Bodies that the vendor refuses, with a part of what the fake says about each. */
  malformed: readonly { name: string, body: object, problem: RegExp }[]
}

export async function postJson (url: string, headers: Record<string, string>, body: object): Promise<Response> {
  return fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) })
}
