/** Raised with every change of a frame's layout; a thread refuses to start with another version. */
export const protocolVersion = 4

/** Front to worker, through the ring. An unknown kind is fatal for the thread. */
export const jobFrameKinds = {
  /** Run one attempt. */
  attempt: 1,
  /** Abort the upstream request of a job; its end still comes back. */
  cancel: 2,
  /** The client has taken this many bytes of a stream: u32. */
  credit: 3,
  /** Finish what is in hand, then end the thread's task. */
  drain: 4
} as const

/** Worker to front, through the port, many per batch. */
export const resultFrameKinds = {
  /** A whole unary answer; ends the job. */
  reply: 1,
  /** Status and headers of a stream. */
  head: 2,
  /** Bytes of a stream, whole SSE events. */
  chunk: 3,
  /** A stream's good end; ends the job. */
  end: 4,
  /** The attempt failed; ends the job. */
  failed: 5
} as const

/** A stream may have this many bytes between the worker and the client's socket. */
export const streamWindowBytes = 128 * 1024
