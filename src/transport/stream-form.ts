import type { RequestRoute } from '../api/parsed-request.ts'

/** Google's system parameters may have a dollar sign before them. */
const asksForEvents = /(?:^|&)(?:\$|%24)?alt=sse(?:&|$)/i

/** Google streams one JSON array unless the query asks for server-sent events, as its SDKs do. */
export function wantsJsonArray ({ dialect, stream }: RequestRoute, query: string | undefined): boolean {
  return dialect === 'gemini' && stream === true && !asksForEvents.test(query ?? '')
}
