import type { Counter as PromCounter, Gauge as PromGauge, Registry } from 'prom-client'
import { priorities } from '../api/job.ts'
import type { EventLoopDelayMonitor } from './event-loop-delay.ts'
import { cleanLabel } from './labels.ts'
import type { Labels } from './labels.ts'
import { metricList } from './list.ts'
import type { MetricRow } from './list.ts'
import { Counter, Gauge } from './prom-client.ts'
import { restartReasons, timeoutNames } from './provider-reading.ts'
import type { PoolReading, ProviderReading, ThreadReading } from './provider-reading.ts'

type Put = (labels: Labels, value: number) => void

/**
 * The metrics that others keep and we ask for at a scrape. `refresh` asks each owner once, so the
 * gauges of one scrape agree with each other; an owner that throws is left out of that scrape.
 */
export class Readings {
  readonly #providerReaders = new Map<string, () => ProviderReading>()
  readonly #poolReaders = new Map<string, () => PoolReading>()
  readonly #front: EventLoopDelayMonitor
  readonly #onReadError: (error: unknown) => void
  #providers = new Map<string, ProviderReading>()
  #pools = new Map<string, PoolReading>()
  #frontDelay: EventLoopDelayReading = { p50: 0, p99: 0, max: 0 }

  constructor (registry: Registry, front: EventLoopDelayMonitor, onReadError: (error: unknown) => void) {
    this.#front = front
    this.#onReadError = onReadError
    this.#exposeProviders(registry)
    this.#exposeThreads(registry)
    expose(registry, metricList.poolObjects, (put) => {
      for (const [pool, reading] of this.#pools) {
        put({ pool, state: 'free' }, reading.free)
        put({ pool, state: 'used' }, reading.used)
      }
    })
  }

  setProvider (name: string, read: () => ProviderReading): void {
    this.#providerReaders.set(cleanLabel(name), read)
  }

  deleteProvider (name: string): void {
    this.#providerReaders.delete(cleanLabel(name))
  }

  setPool (name: string, read: () => PoolReading): void {
    this.#poolReaders.set(cleanLabel(name), read)
  }

  deletePool (name: string): void {
    this.#poolReaders.delete(cleanLabel(name))
  }

  refresh (): void {
    this.#providers = this.#ask(this.#providerReaders)
    this.#pools = this.#ask(this.#poolReaders)
    const delay = this.#front.take()
    this.#frontDelay = { p50: delay.p50Seconds, p99: delay.p99Seconds, max: delay.maxSeconds }
  }

  #ask<Reading> (readers: ReadonlyMap<string, () => Reading>): Map<string, Reading> {
    const readings = new Map<string, Reading>()
    for (const [name, read] of readers) {
      try {
        readings.set(name, read())
      } catch (error) {
        this.#onReadError(error)
      }
    }
    return readings
  }

  #exposeProviders (registry: Registry): void {
    const perProvider = (row: MetricRow, collect: (reading: ProviderReading, provider: string, put: Put) => void) => {
      expose(registry, row, (put) => {
        for (const [provider, reading] of this.#providers) collect(reading, provider, put)
      })
    }
    perProvider(metricList.queueDepth, (reading, provider, put) => put({ provider }, reading.queueDepth))
    perProvider(metricList.queueBlocked, (reading, provider, put) => put({ provider }, reading.queueBlocked))
    perProvider(metricList.inFlight, (reading, provider, put) => put({ provider }, reading.inFlight))
    perProvider(metricList.breakersOpen, (reading, provider, put) => put({ provider }, reading.breakersOpen))
    perProvider(metricList.dropped, (reading, provider, put) => put({ provider }, reading.dropped))
    perProvider(metricList.sheds, (reading, provider, put) => {
      for (const priority of priorities) put({ provider, priority }, reading.sheds[priority])
    })
    perProvider(metricList.concurrencyLimit, (reading, provider, put) => {
      for (const { model, limit } of reading.limits) put({ provider, model: cleanLabel(model) }, limit)
    })
    perProvider(metricList.threadRestarts, (reading, provider, put) => {
      for (const reason of restartReasons) put({ provider, reason }, reading.restarts[reason])
    })
    perProvider(metricList.timeouts, (reading, provider, put) => {
      for (const timeout of timeoutNames) put({ provider, timeout }, reading.timeouts[timeout])
    })
    perProvider(metricList.providerKeyUp, (reading, provider, put) => {
      for (const key of reading.keys) {
        put({ provider, key_id: cleanLabel(key.id), key_name: cleanLabel(key.name) }, key.up ? 1 : 0)
      }
    })
  }

  #exposeThreads (registry: Registry): void {
    const perThread = (row: MetricRow, value: (thread: ThreadReading) => number) => {
      expose(registry, row, (put) => {
        for (const [provider, reading] of this.#providers) {
          for (const thread of reading.threads) put({ provider, thread: String(thread.index) }, value(thread))
        }
      })
    }
    perThread(metricList.threadInFlight, (thread) => thread.inFlight)
    perThread(metricList.ringUsed, (thread) => thread.ringUsedBytes)
    perThread(metricList.ringCapacity, (thread) => thread.ringCapacityBytes)
    expose(registry, metricList.eventLoopDelay, (put) => {
      putDelay(put, 'front', this.#frontDelay)
      for (const [provider, reading] of this.#providers) {
        for (const thread of reading.threads) putDelay(put, `${provider}/${thread.index}`, delayOf(thread))
      }
    })
  }
}

interface EventLoopDelayReading { p50: number, p99: number, max: number }

function delayOf (thread: ThreadReading): EventLoopDelayReading {
  return { p50: thread.eventLoopDelayP50Seconds, p99: thread.eventLoopDelayP99Seconds, max: thread.eventLoopDelayMaxSeconds }
}

function putDelay (put: Put, thread: string, delay: EventLoopDelayReading): void {
  put({ thread, quantile: 'p50' }, delay.p50)
  put({ thread, quantile: 'p99' }, delay.p99)
  put({ thread, quantile: 'max' }, delay.max)
}

/** A prom-client gauge or counter that is emptied and filled anew at every scrape. */
export function expose (registry: Registry, row: MetricRow, collect: (put: Put) => void): void {
  const options = { name: row.name, help: row.help, labelNames: row.labels, registers: [registry] }
  // prom-client refuses values that are no number, and then the whole scrape fails; better a 0 here.
  const toNumber = (value: number): number => Number.isFinite(value) && value >= 0 ? value : 0
  if (row.type === 'counter') {
    const counter: PromCounter = new Counter({
      ...options,
      collect: () => {
        counter.reset()
        collect((labels, value) => counter.inc(labels, toNumber(value)))
      }
    })
  } else {
    const gauge: PromGauge = new Gauge({
      ...options,
      collect: () => {
        gauge.reset()
        collect((labels, value) => gauge.set(labels, toNumber(value)))
      }
    })
  }
}
