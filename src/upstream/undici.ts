import { createRequire } from 'node:module'
import type { buildConnector as ConnectorBuilder, Client as UndiciClient } from 'undici'

// Of undici, a thread needs these two. Its index loads fetch, caches, mocks and WebSockets as well: 45 ms of every thread's start, and 5 MB of its memory.
// The paths are its own affair and hold for the version that package.json names.
const load = createRequire(import.meta.url)

export const Client = load('undici/lib/dispatcher/client.js') as typeof UndiciClient
export const buildConnector = load('undici/lib/core/connect.js') as typeof ConnectorBuilder
