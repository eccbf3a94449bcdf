/** What must catch a bug: the simulator over some seeds, or the test files whose path has this part. */
export type Suite = { seeds: number } | { tests: string }

/** A defect as a change of one text in the build. */
export interface PlantedBug {
  name: string
  /** Below `dist/src/`. */
  file: string
  /** Stands in the file exactly once. */
  find: string
  replace: string
  suite: Suite
  /** The broken rule of the simulator, or the name of the test that fails. */
  caughtBy: string
}

const simulator: Suite = { seeds: 80 }

/** Defects of the decisions, the limits and the endings of a request. */
export const plantedBugs: readonly PlantedBug[] = [
  { name: 'upstream-not-aborted', file: 'request-run.js', find: 'this.attempt?.cancel(this.record);', replace: '', suite: simulator, caughtBy: 'the upstream stops when nobody waits for it' },
  { name: 'socket-not-aborted', file: 'attempts/http-attempt.js', find: 'this.elapsedMicroseconds());\n        this.call?.abort();', replace: 'this.elapsedMicroseconds());', suite: { tests: 'streaming-client-gone' }, caughtBy: 'closes its upstream connection at once' },
  { name: 'false-end-mark', file: 'attempts/stream-attempt.js', find: 'this.fail(this.truncated());', replace: 'this.finishWithEndMark();', suite: { tests: 'attempts/stream-attempt.test' }, caughtBy: 'a stream that ends before its finish is truncated' },
  { name: 'cut-stream-closed-as-good', file: 'target-attempt.js', find: 'this.owner.onFailed(this, error, headers, usage', replace: 'if (this.answered) return this.owner.onEnd(this, usage, upstreamMicroseconds);\n        this.owner.onFailed(this, error, headers, usage', suite: simulator, caughtBy: 'a stream that is closed as good is whole' },
  { name: 'slot-lost-with-thread', file: 'pool/provider-pool.js', find: 'this.endRunning(job.id)?.onFailed(lost', replace: 'job.listener?.onFailed(lost', suite: simulator, caughtBy: 'the pool counts what there is' },
  { name: 'queue-stands-after-thread-end', file: 'pool/provider-pool.js', find: 'waits, on the threads that are left.\n        this.pump();', replace: 'waits, on the threads that are left.', suite: simulator, caughtBy: 'nobody waits while there is room and a thread' },
  { name: 'retry-after-first-byte', file: 'request-run.js', find: 'this.recovery === null ? !attempt.answered :', replace: 'this.recovery === null ? true :', suite: simulator, caughtBy: 'no attempt starts after the first byte of a stream' },
  { name: 'one-too-many-runs', file: 'pool/admission.js', find: 'this.inFlight >= this.limits.concurrency', replace: 'this.inFlight > this.limits.concurrency', suite: simulator, caughtBy: 'no more than concurrency run' },
  { name: 'one-too-many-waits', file: 'pool/admission.js', find: 'waiting - starting > waitingMax', replace: 'waiting - starting > waitingMax + 1', suite: simulator, caughtBy: 'no more wait than the buffer holds' },
  { name: 'breaker-never-opens', file: 'router/breaker.js', find: 'if (verdict === \'none\' || this.state !== \'closed\'', replace: 'if (permit !== \'probe\' || this.state !== \'closed\'', suite: simulator, caughtBy: 'as many failures in a row as the least number open the breaker' },
  { name: 'open-breaker-lets-through', file: 'router/breaker.js', find: 'if (nowMs < this.openUntilMs)', replace: 'if (nowMs < this.openUntilMs - 100)', suite: simulator, caughtBy: 'a target with an open breaker is left alone' },
  { name: 'too-many-probes', file: 'router/breaker.js', find: 'if (this.probes >= settings.halfOpenRequests)', replace: 'if (this.probes > settings.halfOpenRequests)', suite: simulator, caughtBy: 'as many probes at a time as configured' },
  { name: 'retry-budget-ignored', file: 'router/retry-budget.js', find: 'if (this.tokens < 1)\n            return false;', replace: '', suite: simulator, caughtBy: 'retries stay within the retry budget' },
  { name: 'one-retry-too-many', file: 'router/plan.js', find: 'this.retries >= provider.retry.maxRetries', replace: 'this.retries > provider.retry.maxRetries', suite: simulator, caughtBy: 'retries per target are bounded by max_retries' },
  { name: 'firm-rest-ignored', file: 'router/key-rests.js', find: 'return untilMs <= nowMs ? 0 : untilMs;', replace: 'return 0;', suite: simulator, caughtBy: 'a key that was told Retry-After is left alone' },
  { name: 'retry-after-not-waited-for', file: 'router/plan.js', find: 'backoffMs : this.spread(retryAfterMs)', replace: 'backoffMs : backoffMs', suite: simulator, caughtBy: 'the same key is asked again after a pause' },
  { name: 'deadline-ignored-by-plan', file: 'router/plan.js', find: 'if (nowMs + attemptMsMin > this.request.deadlineMs)', replace: 'if (nowMs + attemptMsMin > Infinity)', suite: simulator, caughtBy: 'no attempt starts after the deadline' },
  { name: 'deadline-ignored-by-sweep', file: 'request-run.js', find: 'nowMs >= this.deadlineMs', replace: 'nowMs === this.deadlineMs', suite: simulator, caughtBy: 'a request that has no answer ends at its deadline' },
  { name: 'pause-not-called-off', file: 'request-run.js', find: 'this.endPause?.();', replace: '', suite: simulator, caughtBy: 'no attempt starts after the ending' },
  { name: 'late-answer-is-told', file: 'target-attempt.js', find: 'onReply(reply) {\n        if (this.ended)\n            return;', replace: 'onReply(reply) {', suite: simulator, caughtBy: 'a request ends once, and nothing comes after its client has left' },
  { name: 'disabled-key-is-picked', file: 'router/pick-key.js', find: 'if (!key.enabled || (key', replace: 'if ((key', suite: simulator, caughtBy: 'a key that is disabled or empty is never used' },
  { name: 'pin-is-ignored', file: 'router/plan.js', find: 'this.hop === 0 ? this.request.pin ?? noPin : noPin', replace: 'noPin', suite: simulator, caughtBy: 'a pinned key is the only one for the first target' },
  { name: 'credit-never-sent', file: 'target-attempt.js', find: 'this.pool.credit(this.job, this.takenBytes);', replace: '', suite: simulator, caughtBy: 'a stream goes on when its client has taken all' },
  { name: 'credit-frame-not-sent', file: 'pool/provider-thread.js', find: 'this.control(jobFrameKinds.credit, jobId, bytes);', replace: '', suite: { tests: 'streaming-slow-reader' }, caughtBy: 'gets every byte once it reads again' },
  { name: 'fallback-index-wrong', file: 'router/plan.js', find: '{ index: hop, primary', replace: '{ index: hop + 1, primary', suite: simulator, caughtBy: 'the fallback index names the target' },
  { name: 'fallback-skipped', file: 'router/plan.js', find: 'this.hop++;', replace: 'this.hop += this.hop === 1 ? 2 : 1;', suite: simulator, caughtBy: 'a request fails only when nobody is left to ask' },
  { name: 'trail-entry-missing', file: 'router/plan.js', find: '(this.trail ??= []).push(entry);', replace: 'this.trail ??= [entry];', suite: simulator, caughtBy: 'the trail tells every failed attempt' },
  { name: 'queue-entry-stays', file: 'pool/provider-pool.js', find: 'this.admission.leave(job);\n        this.endJob(job)', replace: 'this.endJob(job)', suite: simulator, caughtBy: 'the pool counts what there is' },
  { name: 'frame-of-another-job', file: 'pool/job-slots.js', find: 'job !== undefined && job.id === id && job.state', replace: 'job !== undefined && job.state', suite: { tests: 'pool/job-slots' }, caughtBy: 'an id of the past finds nothing' },
  { name: 'hedge-loser-not-cancelled', file: 'hedged-attempt.js', find: 'loser.cancel();', replace: '', suite: { tests: 'hedged-attempt.test' }, caughtBy: 'is the hedge: its target is named, the original is cancelled once' },
  { name: 'hedge-without-budget', file: 'hedged-attempt.js', find: '!hedgeBudget.allowsOne || ', replace: '', suite: { tests: 'hedged-attempt.test' }, caughtBy: 'hedges stay within their share' },
  { name: 'other-tenant-joins', file: 'single-flight/flight-key.js', find: ' || identityWords.test(name)', replace: '', suite: { tests: 'single-flight/' }, caughtBy: 'other credentials, another provider or a request after the end go up on their own' },
  { name: 'text-repeated-after-recovery', file: 'stream-recovery.js', find: 'event.text.slice(agreed)', replace: 'event.text', suite: { tests: 'stream-recovery.test' }, caughtBy: 'is the whole text, once, for every cut of both streams' },
  { name: 'late-job-sent', file: 'pool/provider-pool.js', find: 'job.terms.deadlineMs <= nowMs', replace: 'job.terms.deadlineMs < 0', suite: simulator, caughtBy: 'a job past its deadline is not sent' },
  { name: 'low-priority-first', file: 'pool/admission.js', find: 'for (let rank = 0; rank <= lowestRank; rank++)', replace: 'for (let rank = lowestRank; rank >= 0; rank--)', suite: simulator, caughtBy: 'a higher priority goes first' },
  { name: 'model-limit-ignored', file: 'pool/lane.js', find: 'this.limit !== null && this.room === 0 ? null : ', replace: '', suite: simulator, caughtBy: 'no more than its limit run of a model' },
  { name: 'job-under-current-settings', file: 'pool/revisions.js', find: 'const revision = settings === this.current.settings ? this.current :', replace: 'const revision = this.current ??', suite: simulator, caughtBy: 'a job runs under the settings that it was made with' },
  { name: 'retired-while-in-use', file: 'reload/generation.js', find: 'if (this.requests === 0)\n            onIdle();', replace: 'onIdle();', suite: simulator, caughtBy: 'a pool closes when no request has it any more' },
  { name: 'pool-of-older-generation-closed', file: 'reload/generations.js', find: '[...this.live].some((generation) => [...generation.pools.values()].includes(pool))', replace: '[...this.current.pools.values()].includes(pool)', suite: { tests: 'reload/generations' }, caughtBy: 'keeps a removed provider for an earlier one' },
  { name: 'last-results-not-read', file: 'pool/provider-thread.js', find: 'for (let next = receiveMessageOnPort(this.port); next !== undefined; next = receiveMessageOnPort(this.port))\n            this.receive(next.message);', replace: '', suite: { tests: 'pool/provider-thread' }, caughtBy: 'what a thread has sent before its end is heard before its end' },
  { name: 'bad-file-half-applied', file: 'config/load.js', find: ' || problems.all.length > 0', replace: '', suite: { tests: 'blackbox/reload' }, caughtBy: 'a bad file changes nothing and says why' },
  { name: 'slower-attempt-goes-on', file: 'hedged-attempt.js', find: 'loser.cancel();', replace: '', suite: simulator, caughtBy: 'of two attempts the slower one is cancelled at once' },
  { name: 'hedge-budget-not-charged', file: 'hedged-attempt.js', find: 'hedgeBudget.take();', replace: ';', suite: simulator, caughtBy: 'hedges stay within the hedge budget' },
  { name: 'hedge-before-delay-min', file: 'hedged-attempt.js', find: 'Math.max(delayMinMs, slowMs)', replace: 'slowMs', suite: simulator, caughtBy: 'a hedge comes when the original has been upstream for a while' },
  { name: 'failed-hedge-target-asked-again', file: 'router/plan.js', find: '(this.failedHedges ??= new Set()).add(this.hops[hop]);', replace: ';', suite: simulator, caughtBy: 'a target on which a hedge has failed is not asked again' },
  { name: 'failed-hedge-not-in-trail', file: 'hedged-attempt.js', find: 'this.setAside(hedge, error, headers, true);', replace: '', suite: simulator, caughtBy: 'the trail tells every failed attempt' },
  { name: 'low-priority-fills-all', file: 'pool/admission.js', find: 'bufferSize * lowShare', replace: 'bufferSize', suite: simulator, caughtBy: 'low priorities fill half of the queue' },
  { name: 'oldest-is-displaced', file: 'pool/lanes.js', find: 'lane.lists[rank].newest', replace: 'lane.lists[rank].oldest', suite: simulator, caughtBy: 'the newest of the lowest priority is dropped' },
  { name: 'late-queue-keeps-its-order', file: 'pool/job-list.js', find: '? this.newest : oldest', replace: '? oldest : oldest', suite: simulator, caughtBy: 'who came first goes first, and who came last once the oldest has waited for long' },
  { name: 'limit-beyond-concurrency', file: 'pool/concurrency-limit.js', find: 'Math.min(this.bounds.limitMax, ', replace: 'Math.min(Infinity, ', suite: simulator, caughtBy: 'the limit of a model stays within its bounds' },
  { name: 'reload-leaves-queue', file: 'pool/provider-pool.js', find: 'this.resizeThreads(settings);\n        if (this.threads !== null)\n            this.pump();', replace: 'this.resizeThreads(settings);', suite: simulator, caughtBy: 'nobody waits while there is room and a thread' },
  { name: 'former-threads-stay', file: 'pool/provider-pool.js', find: 'void set.drain().finally(() => { this.leaving.delete(set); });', replace: '', suite: simulator, caughtBy: 'only threads of the current settings are left' },
  { name: 'removed-pool-stays', file: 'reload/generations.js', find: 'this.closeUnused();', replace: '', suite: simulator, caughtBy: 'pools of removed providers close' },
  { name: 'generation-not-given-back', file: 'request-run.js', find: 'this.generation.leave();', replace: '', suite: simulator, caughtBy: 'only the current generation is left' }
]
