import assert from 'node:assert/strict'
import { createSecretKey } from 'node:crypto'
import { suite, test } from 'node:test'
import { createKeyDesk, type KeyDesk } from '#shared/data-keys'
import { createMetrics, type Metrics } from '#shared/metrics'
import type { ThreadShare } from '../thread-share.ts'
import { startThreads } from './start-threads.ts'

const share: ThreadShare = {
  part: 1,
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

  test('passes over the end of threads that were told to stop, and tells how they ended', async () => {
    const { codes, ends } = await start({ threads: 2, shutdown: AbortSignal.abort(), entry: entryOf(ENDS_WHEN_TOLD) })
    assert.deepEqual(codes, [3, 3])
    assert.equal(ends(), 0)
  })

  test('hands data keys from thread to thread, and has who waits go on when one gives up', async () => {
    const desk = createKeyDesk({ keepMs: 300_000 })
    await desk.bring('of main', createSecretKey(Buffer.alloc(32, 7)), 300_000)
    const { lines } = await start({ threads: 1, desk, entry: entryOf(ASKS) })
    assert.deepEqual(lines, [{ ofMain: '07'.repeat(32), own: null, again: null, found: '08'.repeat(32) }])
    assert.equal((await desk.find('own'))?.export().toString('hex'), '08'.repeat(32))
    // Given up by the thread: whoever asks now is the first, and waits for nobody.
    assert.equal(await desk.find('given up'), undefined)
  })

  test('shows what a thread told last once it has ended', async () => {
    const metrics = createMetrics({ service: 'test' })
    metrics.counter('x_total', 'help')
    await start({ threads: 1, metrics, entry: entryOf(LEAVES_METRICS) })
    assert.match((await metrics.expose()).text, /^x_total 5$/m)
  })
})

/** A thread of another kind, which speaks to the process as ours do. */
function entryOf(program: string): URL {
  return new URL(
    `data:text/javascript,${encodeURIComponent(`import { parentPort } from 'node:worker_threads'\n${program}`)}`,
  )
}

const ENDS_WHEN_TOLD = `parentPort.on('message', ({ kind }) => kind === 'stop' && process.exit(3))`

const ASKS = `
  import { createSecretKey } from 'node:crypto'
  const answers = new Map()
  parentPort.on('message', ({ id, key }) => answers.get(id)(key))
  let next = 0
  const ask = (question) => new Promise((resolve) => {
    answers.set(next, resolve)
    parentPort.postMessage({ ...question, id: next++ })
  })
  const find = async (name) => (await ask({ kind: 'find-key', name }))?.export().toString('hex') ?? null
  const ofMain = await find('of main')
  const own = await find('own')
  await ask({ kind: 'bring-key', name: 'own', key: createSecretKey(Buffer.alloc(32, 8)), forMs: 300_000 })
  const found = await find('own')
  await find('given up')
  const waiting = find('given up')
  parentPort.postMessage({ kind: 'give-up-key', name: 'given up' })
  const again = await waiting
  parentPort.postMessage({ kind: 'give-up-key', name: 'given up' })
  parentPort.postMessage({ kind: 'log-line', line: JSON.stringify({ ofMain, own, again, found }) })
  parentPort.close()
`

const LEAVES_METRICS = `
  parentPort.postMessage({ kind: 'ready' })
  const values = [{ value: 5, labels: {} }]
  const metrics = [{ name: 'x_total', help: 'help', type: 'counter', aggregator: 'sum', values }]
  parentPort.postMessage({ kind: 'metrics', id: undefined, metrics })
`

async function start(o: {
  threads: number
  entry?: URL
  shutdown?: AbortSignal
  desk?: KeyDesk
  metrics?: Pick<Metrics, 'include'>
}) {
  const written: string[] = []
  const failures: unknown[] = []
  let ends = 0
  const { ended } = await startThreads({
    shares: Array.from({ length: o.threads }, () => share),
    desk: o.desk ?? createKeyDesk({ keepMs: 1_000 }),
    lines: { write: (line) => void written.push(line), flush: () => {} },
    metrics: o.metrics ?? createMetrics({ service: 'test' }),
    shutdown: o.shutdown ?? new AbortController().signal,
    onFailure: (error) => failures.push(error),
    onEnded: () => ends++,
    ...(o.entry === undefined ? {} : { entry: o.entry }),
  })
  const codes = await ended
  const lines = written.map((line): { event: string; thread: number; error?: { code: string } } => JSON.parse(line))
  return { lines, codes, failures, ends: () => ends }
}
