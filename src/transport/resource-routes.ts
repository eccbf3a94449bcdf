import type { HttpMethod } from '../api/job.ts'
import type { Operation } from '../api/operations.ts'
import type { Dialect } from '../api/dialects.ts'

/** What a provider keeps for an account. */
export interface ResourceRoute {
  dialect: Dialect
  operation: Operation
  /** What follows the root of the operation: `/{id}` and what is asked of it. */
  resource: string
  template: string
}

/** What may be asked at a path. */
export type ResourceRoutes = Readonly<Partial<Record<HttpMethod, ResourceRoute>>>

interface Root {
  path: string
  dialect: Dialect
  /** Absent: that dialect has no such thing. */
  collection: Readonly<Partial<Record<HttpMethod, Operation>>>
  item: Readonly<Partial<Record<HttpMethod, Operation>>>
  /** By the last segment. */
  actions: Readonly<Record<string, Readonly<Partial<Record<HttpMethod, Operation>>>>>
}

const files = {
  collection: { POST: 'file_upload', GET: 'file_list' },
  item: { GET: 'file_retrieve', DELETE: 'file_delete' },
  actions: { content: { GET: 'file_content' } }
} as const

/** By whose clients they are asked for; a path that two dialects have is told apart by the client's headers. */
const roots: readonly Root[] = [
  { path: '/v1/files', dialect: 'openai', ...files },
  { path: '/v1/files', dialect: 'anthropic', ...files },
  {
    path: '/v1/batches',
    dialect: 'openai',
    collection: { POST: 'batch_create', GET: 'batch_list' },
    item: { GET: 'batch_retrieve' },
    actions: { cancel: { POST: 'batch_cancel' } }
  },
  {
    path: '/v1/messages/batches',
    dialect: 'anthropic',
    collection: { POST: 'batch_create', GET: 'batch_list' },
    item: { GET: 'batch_retrieve', DELETE: 'batch_delete' },
    actions: { cancel: { POST: 'batch_cancel' }, results: { GET: 'batch_results' } }
  }
]

/** Letters, digits and what else ids are made of: nothing that could leave the path. */
const rest = /^(?:\/([A-Za-z0-9_-]{1,128})(?:\/([a-z]{1,16}))?)?$/

/**
 * @param path without the mount
 * @param dialect of the mount; null at the root
 * @param isAnthropic whether the client's headers are Anthropic's
 * @returns null when nothing is kept at this path
 */
export function findResource (path: string, dialect: Dialect | null, isAnthropic: boolean): ResourceRoutes | null {
  const wanted = dialect ?? (isAnthropic || path.startsWith('/v1/messages/') ? 'anthropic' : 'openai')
  const root = roots.find((one) => one.dialect === wanted && (path === one.path || path.startsWith(`${one.path}/`)))
  if (root === undefined) return null
  const found = rest.exec(path.slice(root.path.length))
  if (found === null) return null
  const [resource, id, action] = found
  const byMethod = id === undefined ? root.collection : action === undefined ? root.item : Object.hasOwn(root.actions, action) ? root.actions[action] : undefined
  if (byMethod === undefined) return null
  const template = `${root.path}${id === undefined ? '' : '/{id}'}${action === undefined ? '' : `/${action}`}`
  const routes: Partial<Record<HttpMethod, ResourceRoute>> = {}
  for (const [method, operation] of Object.entries(byMethod)) routes[method as HttpMethod] = { dialect: root.dialect, operation, resource, template }
  return routes
}
