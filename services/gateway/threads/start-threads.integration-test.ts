import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createKeyDesk } from '#shared/data-keys'
import { createMetrics } from '#shared/metrics'
import type { ThreadShare } from '../thread-share.ts'
import { startThreads } from './start-threads.ts'

const share: ThreadShare = {
  memberId: '0'.repeat(32),
  port: 0,
  httpPort: undefined,
  connections: 1,
  requestsInFlight: 1,
  bodyBytes: 1,
  messagesPerDataKey: 1,
}

suite('startThreads()', () => {
  test('has a thread that dies say so in the one log, and tells of its end', async () => {
    // Nothing it needs is set here.
    const { lines, failures, ends } = await start({ threads: 2 })
    assert.deepEqual(
      lines.map(({ event, thread, error }) => [event, thread, error?.code]).toSorted(),
      [1, 2].map((thread) => ['process.crashed', thread, 'CONFIG_INVALID']),
    )
    assert.deepEqual([failures.length, ends()], [0, 2])
  })

  test('tells why a thread could not be loaded', async () => {
    const { failures, ends } = await start({ threads: 1, entry: new URL('./no-such-thread.ts', import.meta.url) })
    assert.match(String(failures[0]), /no-such-thread/)
    assert.equal(ends(), 1)
  })

  test('passes over the end of threads that were told to stop', async () => {
    const { ends } = await start({ threads: 2, shutdown: AbortSignal.abort() })
    assert.equal(ends(), 0)
  })
})

async function start(o: { threads: number; entry?: URL; shutdown?: AbortSignal }) {
  const written: string[] = []
  const failures: unknown[] = []
  let ends = 0
  const { ended } = await startThreads({
    shares: Array.from({ length: o.threads }, () => share),
    desk: createKeyDesk({ keepMs: 1_000 }),
    lines: { write: (line) => void written.push(line), flush: () => {} },
    metrics: createMetrics({ service: 'test' }),
    shutdown: o.shutdown ?? new AbortController().signal,
    onFailure: (error) => failures.push(error),
    onEnded: () => ends++,
    ...(o.entry === undefined ? {} : { entry: o.entry }),
  })
  await ended
  const lines = written.map((line): { event: string; thread: number; error?: { code: string } } => JSON.parse(line))
  return { lines, failures, ends: () => ends }
}
