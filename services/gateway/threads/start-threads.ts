/**
 * Starts the further threads of a gateway, and does for them what the process has once: one log, one page of metrics, one
 * desk for data keys. If one of them ends by itself the process is to end too: a gateway with a thread less would go on
 * with its connections unanswered.
 */

import { Worker } from 'node:worker_threads'
import type { KeyDesk } from '#shared/data-keys'
import type { LineWriter } from '#shared/log'
import type { Metrics, MetricsSnapshot } from '#shared/metrics'
import type { ThreadShare } from '../thread-share.ts'
import type { ThreadStart, ToMain, ToThread } from './messages.ts'
import { createQuestions } from './questions.ts'

/** Below what Prometheus waits for a page. */
const METRICS_WITHIN_MS = 5_000

interface Options {
  readonly desk: KeyDesk
  readonly lines: LineWriter
  readonly metrics: Pick<Metrics, 'include'>
  /** They are told to stop, before they serve too. */
  readonly shutdown: AbortSignal
  /** One could not be loaded, or ended by an error that it did not tell of itself. */
  readonly onFailure: (error: unknown) => void
  /** One has ended that was not told to. */
  readonly onEnded: () => void
  /** What they run; replaced in tests. */
  readonly entry?: URL
}

/**
 * Resolves when all serve, or have ended.
 *
 * @returns `ended`: their exit codes, when all have
 * @param o.shares one for each
 */
export async function startThreads(
  o: Options & { shares: readonly ThreadShare[] },
): Promise<{ ended: Promise<readonly number[]> }> {
  const threads = o.shares.map((share, at) => startThread({ ...o, start: { thread: at + 1, share } }))
  await Promise.all(threads.map(({ ready }) => ready))
  return { ended: Promise.all(threads.map(({ ended }) => ended)) }
}

function startThread(o: Options & { start: ThreadStart }): { ready: Promise<void>; ended: Promise<number> } {
  const worker = new Worker(o.entry ?? new URL('./thread.ts', import.meta.url), { workerData: o.start })
  const tell = (message: ToThread) => worker.postMessage(message)
  const pages = createQuestions<MetricsSnapshot>({ withinMs: METRICS_WITHIN_MS })
  const ready = Promise.withResolvers<void>()
  const ended = Promise.withResolvers<number>()
  let hasEnded = false
  let last: MetricsSnapshot = []
  worker.on('message', (message: ToMain) => {
    switch (message.kind) {
      case 'ready':
        o.metrics.include(async () => (hasEnded ? last : pages.ask((id) => tell({ kind: 'read-metrics', id }))))
        return ready.resolve()
      case 'log-line':
        return o.lines.write(message.line)
      case 'find-key':
        return void o.desk.find(message.name).then((key) => tell({ kind: 'key', id: message.id, key }))
      case 'bring-key':
        return void o.desk
          .bring(message.name, message.key, message.forMs)
          .then(() => tell({ kind: 'key', id: message.id, key: undefined }))
      case 'give-up-key':
        return o.desk.giveUp(message.name)
      case 'metrics':
        last = message.metrics
        return message.id === undefined ? undefined : pages.answer(message.id, message.metrics)
    }
  })
  worker.on('error', o.onFailure)
  worker.on('exit', (code) => {
    hasEnded = true
    ready.resolve()
    ended.resolve(code)
    if (!o.shutdown.aborted) o.onEnded()
  })
  const stop = () => tell({ kind: 'stop' })
  if (o.shutdown.aborted) stop()
  o.shutdown.addEventListener('abort', stop, { once: true })
  return { ready: ready.promise, ended: ended.promise }
}
