/** The one place that knows where thread entries are. Threads run the compiled tree: Node 20 cannot start a `.ts` worker. */
export const providerWorkerUrl = new URL('../../workers/provider.js', import.meta.url).href
