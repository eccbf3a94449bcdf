import { receiveMessageOnPort } from 'node:worker_threads'
import type { MessagePort } from 'node:worker_threads'
import type { ProviderSettings } from '../api/settings.ts'

/** Front to worker beside the ring. */
export type PortMessage =
  /** A wake-up. */
  | null
  /** A wake-up before its frame, whose job is the front's only one. */
  | 'expect'
  /** A body too large for the ring. */
  | { kind: 'body', jobId: number, body: Uint8Array }
  /** Settings that frames name by number from now on. */
  | { kind: 'settings', number: number, settings: ProviderSettings }
  /** No frame names these settings any more. */
  | { kind: 'forget', number: number }

export interface InboxEvents {
  /** Settings that frames may name from now on. */
  onSettings (number: number, settings: ProviderSettings): void
  /** No frame names them any more. */
  onForget (number: number): void
}

/**
 * What came through the port and waits for its frame. Whatever a frame needs was posted before the frame was published, so
 * it is in the port's queue at the latest.
 */
export class PortInbox {
  private readonly port: MessagePort
  private readonly bodies = new Map<number, Uint8Array>()
  private readonly settings = new Map<number, ProviderSettings>()
  private readonly events: InboxEvents

  constructor (port: MessagePort, events: InboxEvents) {
    this.port = port
    this.events = events
  }

  readonly keep = (message: PortMessage): void => {
    if (message === null || message === 'expect') return
    switch (message.kind) {
      case 'body':
        this.bodies.set(message.jobId, message.body)
        return
      case 'settings':
        this.settings.set(message.number, message.settings)
        this.events.onSettings(message.number, message.settings)
        return
      case 'forget':
        this.settings.delete(message.number)
        this.events.onForget(message.number)
    }
  }

  takeBody (jobId: number): Buffer {
    const body = this.receive(this.bodies, jobId, 'the body of job')
    this.bodies.delete(jobId)
    return Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  }

  settingsOf (number: number): ProviderSettings {
    return this.receive(this.settings, number, 'revision')
  }

  private receive<Value> (kept: ReadonlyMap<number, Value>, id: number, what: string): Value {
    for (let value = kept.get(id); ; value = kept.get(id)) {
      if (value !== undefined) return value
      const next = receiveMessageOnPort(this.port)
      if (next === undefined) throw new RangeError(`${what} ${id} is not in the port`)
      this.keep(next.message as PortMessage)
    }
  }
}
