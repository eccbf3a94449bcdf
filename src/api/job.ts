import type { Dialect } from './dialects.ts'
import type { Operation } from './operations.ts'

/** Which requests go first when there is more to do than may run, the first one first. */
export const priorities = ['high', 'normal', 'low'] as const
export type Priority = (typeof priorities)[number]

export const httpMethods = ['POST', 'GET', 'DELETE'] as const
export type HttpMethod = (typeof httpMethods)[number]

/** An attempt as the front describes it to a thread; `src/frames/job-frame.ts` draws its bytes. */
export interface JobHead {
  keyIndex: number
  /** What the client's body is written in, and its answer is to be. */
  dialect: Dialect
  operation: Operation
  /** The answer is sent on as it comes. */
  stream: boolean
  /** Its bytes are of any kind, and are sent on unread; only together with `stream`. */
  relay: boolean
  /** Not a word of it is changed on the way, there and back: no translation, no `extra_fields`. */
  passthrough: boolean
  method: HttpMethod
  /** The gateway asked for stream usage on its own: the usage-only chunk is not for the client. */
  usageInjected: boolean
  /** The client wants embeddings as base64 float32. */
  base64Embeddings: boolean
  sendBackRawRequest: boolean
  sendBackRawResponse: boolean
  /** Not over a connection that was used before: one of those broke under this request. */
  freshConnection: boolean
  /** Members of the body that the canonical form does not know go upstream, too. */
  passExtraParams: boolean
  /** The client's stream is one JSON array: see `json-array.ts`. */
  jsonArray: boolean
  /** Model name as it goes upstream. */
  model: string
  /** Path and query of a resource, from `/v1` on; empty for operations that have one path. */
  resource: string
  /** Of a body that is not JSON, as the client sent it; else empty. */
  contentType: string
  /** Members of `extra_fields` that a stream chunk repeats, as JSON text without braces. */
  extraFields: string
  /** Client headers that go upstream, as `name: value` lines. */
  forwardedHeaders: string
  /** The client's own key, in place of a stored one; empty for none. A secret: it stands in the frame and nowhere else. */
  directKey: string
}

/** The same, as the thread receives it. */
export interface JobFrame extends JobHead {
  id: number
  /** Which version of the provider's settings it was made under. */
  revision: number
  /** Own copy. Empty with `bodyInPort`: the port delivers it. */
  body: Buffer
  bodyInPort: boolean
}
