import { errorTable } from './errors.ts'
import type { RequestRun } from './gateway.ts'
import { logRequest } from './log.ts'
import type { Logger } from './log.ts'
import type { Metrics } from './metrics/metrics.ts'
import type { Exchange } from './transport/exchange.ts'

/** Paths that appear in metrics as they are; everything else a client asks for is one series. */
const knownPath = /^\/(v1\/(chat\/completions|completions|embeddings|responses|models)|health(\/live|\/ready)?|metrics)$/

/**
 * Books an exchange once, whatever its ending: HTTP metrics, the attempt's metrics and one log line.
 * @param run null for exchanges that never became a request: pages, refusals, bad bodies
 */
export function bookExchange (metrics: Metrics, logger: Logger, exchange: Exchange, run: RequestRun | null): void {
  const durationMs = performance.now() - exchange.receivedAtMs
  // The client left before it saw a status: 499, as in the log.
  const status = exchange.status === 0 ? errorTable.BIFROST_CLIENT_CLOSED.status : exchange.status
  const path = knownPath.test(exchange.path) ? exchange.path : 'unknown'
  metrics.http(path, exchange.method, status).observe({
    durationSeconds: durationMs / 1000, requestBytes: exchange.requestBytes, responseBytes: exchange.responseBytes
  })
  if (run !== null) bookAttempt(metrics, run, status, durationMs)
  if (run === null && path !== 'unknown' && !exchange.path.startsWith('/v1/')) return
  const target = run?.target ?? null
  const parsed = run?.request.parsed
  logRequest(logger, {
    requestId: exchange.requestId,
    method: exchange.method,
    path: exchange.path,
    requestType: run?.requestType ?? '',
    provider: target?.provider.name ?? '',
    model: parsed?.model ?? '',
    resolvedModel: target?.model ?? '',
    keyName: target?.key.name ?? '',
    status,
    outcome: run?.outcome ?? (status < 400 ? 'ok' : 'refused'),
    durationMs,
    upstreamMs: (run?.upstreamMicroseconds ?? 0) / 1000,
    queueMs: run?.queueMs ?? 0,
    inputTokens: run?.usage.inputTokens ?? 0,
    outputTokens: run?.usage.outputTokens ?? 0,
    requestBytes: exchange.requestBytes,
    responseBytes: exchange.responseBytes,
    stream: parsed?.stream ?? false
  })
}

function bookAttempt (metrics: Metrics, run: RequestRun, status: number, durationMs: number): void {
  const { target, requestType } = run
  metrics.activeEnd(requestType)
  if (target === null) return
  metrics.upstream({
    provider: target.provider.name,
    model: target.model,
    alias: target.model === target.requestedModel ? '' : target.requestedModel,
    method: requestType,
    selectedKeyId: target.key.id,
    selectedKeyName: target.key.name,
    fallbackIndex: 0
  }).attemptEnded({
    success: run.outcome === 'ok',
    statusCode: run.outcome === 'ok' ? status : Math.max(status, errorTable[run.outcome].status),
    errorType: run.outcome === 'ok' ? '' : errorTable[run.outcome].type,
    latencySeconds: run.upstreamMicroseconds / 1e6,
    overheadMicroseconds: Math.max(0, durationMs * 1000 - run.upstreamMicroseconds),
    inputTokens: run.usage.inputTokens,
    outputTokens: run.usage.outputTokens,
    firstTokenSeconds: run.firstByteMs < 0 ? -1 : run.firstByteMs / 1000
  })
}
