/**
 * Every metric of the gateway, written once: name, type, labels and help. Names and labels are those
 * of Bifrost (Go) where it has the metric, so its dashboards and alerts keep working; the rest is ours.
 * Default process metrics come from prom-client on top of these.
 */
export interface MetricRow {
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly labels: readonly string[]
  /** True where the names of `client.prometheus_labels` follow the labels of this row. */
  readonly custom: boolean
  readonly help: string
}

/** The labels of every metric about an attempt. The ones that nothing fills yet are empty strings. */
export const upstreamLabels = [
  'provider', 'model', 'alias', 'method', 'virtual_key_id', 'virtual_key_name', 'routing_engine_used',
  'routing_rule_id', 'routing_rule_name', 'complexity_tier', 'complexity_mechanism', 'selected_key_id',
  'selected_key_name', 'fallback_index', 'team_id', 'team_name', 'customer_id', 'customer_name'
] as const

export const httpLabels = ['path', 'method', 'status'] as const

type Type = MetricRow['type']

function upstream (name: string, type: Type, help: string, extra: readonly string[] = []): MetricRow {
  return { name, type, help, custom: true, labels: [...upstreamLabels, ...extra] }
}

function http (name: string, type: Type, help: string): MetricRow {
  return { name, type, help, custom: true, labels: httpLabels }
}

function own (name: string, type: Type, labels: readonly string[], help: string): MetricRow {
  return { name, type, help, custom: false, labels }
}

export const metricList = {
  httpRequests: http('http_requests_total', 'counter', 'HTTP requests answered.'),
  httpDuration: http('http_request_duration_seconds', 'histogram', 'Time from the first byte of the request to the last byte of the answer.'),
  httpRequestSize: http('http_request_size_bytes', 'histogram', 'Size of request bodies.'),
  httpResponseSize: http('http_response_size_bytes', 'histogram', 'Size of response bodies.'),

  upstreamRequests: upstream('bifrost_upstream_requests_total', 'counter', 'Attempts made on providers.'),
  upstreamSuccesses: upstream('bifrost_success_requests_total', 'counter', 'Attempts that succeeded.'),
  upstreamErrors: upstream('bifrost_error_requests_total', 'counter', 'Attempts that failed.', ['status_code', 'error_type']),
  upstreamLatency: upstream('bifrost_upstream_latency_seconds', 'histogram', 'Time that the provider took.', ['is_success']),
  overhead: upstream('bifrost_overhead_latency_microseconds', 'histogram', 'Time that the gateway itself took.'),
  inputTokens: upstream('bifrost_input_tokens_total', 'counter', 'Input tokens as the provider counted them.'),
  outputTokens: upstream('bifrost_output_tokens_total', 'counter', 'Output tokens as the provider counted them, and estimated ones.'),
  estimatedTokens: upstream('bifrost_estimated_output_tokens_total', 'counter', 'Output tokens that are estimated: the client left in mid-stream, before the provider counted them. They are part of all output tokens.'),
  cost: upstream('bifrost_cost_total', 'counter', 'What answers cost, in USD; only those whose price is known.'),
  firstToken: upstream('bifrost_stream_first_token_latency_seconds', 'histogram', 'Time to the first chunk of a stream.'),
  interToken: upstream('bifrost_stream_inter_token_latency_seconds', 'histogram', 'Time between two chunks of a stream.'),

  requestRetries: own('bifrost_request_retries', 'histogram', [], 'Attempts of a request after its first one, on any target.'),
  retries: own('bifrost_retries_total', 'counter', ['provider', 'reason'], 'Attempts made again with the same key.'),
  keyRotations: own('bifrost_key_rotation_events_total', 'counter', ['provider', 'requested_model', 'key_id', 'key_name', 'fail_reason'], 'Attempts made again with another key, by the key that failed.'),
  fallbacks: own('bifrost_fallbacks_total', 'counter', ['provider', 'fallback_provider', 'reason'], 'Requests that moved on to a fallback.'),
  hedges: own('bifrost_hedges_total', 'counter', ['provider', 'hedge_provider', 'result'], 'Second attempts that joined a slow one on `provider`: won, lost (cancelled) or failed.'),
  breakerTransitions: own('bifrost_breaker_transitions_total', 'counter', ['provider', 'state'], 'Circuit breakers that changed to this state.'),
  breakersOpen: own('bifrost_breakers_open', 'gauge', ['provider'], 'Models of the provider whose circuit breaker is not closed.'),
  singleFlightJoins: own('bifrost_single_flight_joins_total', 'counter', ['provider'], 'Requests that shared the upstream request of an identical one.'),

  configReloads: own('bifrost_config_reloads_total', 'counter', ['result'], 'Reloads of the configuration: applied, unchanged or refused.'),

  unpriced: own('bifrost_unpriced_requests_total', 'counter', ['provider'], 'Answers whose price is not known; their cost is in no total.'),

  clientConnections: own('bifrost_client_connections', 'gauge', [], 'Open connections of clients, busy or idle.'),
  clientConnectionsRefused: own('bifrost_client_connections_refused_total', 'counter', [], 'Connections of clients that were closed at once, because the file descriptors left are for providers.'),
  activeRequests: own('bifrost_active_requests', 'gauge', ['method'], 'Requests in progress.'),
  providerKeyUp: own('bifrost_provider_key_up', 'gauge', ['provider', 'key_id', 'key_name'], '1 when the key may be picked, 0 while it is taken out.'),

  queueDepth: own('bifrost_queue_depth', 'gauge', ['provider'], 'Requests waiting in the admission queue.'),
  queueBlocked: own('bifrost_queue_blocked', 'gauge', ['provider'], 'Requests waiting for a place in the full admission queue.'),
  queueWait: own('bifrost_queue_wait_seconds', 'histogram', ['provider'], 'Time that a request waited for admission.'),
  inFlight: own('bifrost_in_flight', 'gauge', ['provider'], 'Attempts in progress over all threads of the provider.'),
  threadInFlight: own('bifrost_thread_in_flight', 'gauge', ['provider', 'thread'], 'Attempts in progress on one thread.'),
  ringUsed: own('bifrost_ring_used_bytes', 'gauge', ['provider', 'thread'], 'Bytes waiting in the ring to the thread.'),
  ringCapacity: own('bifrost_ring_capacity_bytes', 'gauge', ['provider', 'thread'], 'Size of the ring to the thread.'),
  threadRestarts: own('bifrost_thread_restarts_total', 'counter', ['provider', 'reason'], 'Worker threads that were replaced.'),
  dropped: own('bifrost_requests_dropped_total', 'counter', ['provider'], 'Requests refused because the admission queue was full.'),
  sheds: own('bifrost_sheds_total', 'counter', ['provider', 'priority'], 'Requests refused or put out of the full admission queue, by their priority.'),
  concurrencyLimit: own('bifrost_concurrency_limit', 'gauge', ['provider', 'model'], 'Attempts at once that adaptive concurrency allows the model.'),
  timeouts: own('bifrost_timeouts_total', 'counter', ['provider', 'timeout'], 'Attempts ended by a timeout.'),
  eventLoopDelay: own('bifrost_event_loop_delay_seconds', 'gauge', ['thread', 'quantile'], 'Event loop delay since the last scrape.'),
  poolObjects: own('bifrost_pool_objects', 'gauge', ['pool', 'state'], 'Reusable objects by state.'),
  buildInfo: own('bifrost_build_info', 'gauge', ['version', 'node'], 'Always 1.')
} as const satisfies Record<string, MetricRow>
