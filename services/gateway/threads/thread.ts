/** A further thread of a gateway: serves as the first one does, and leaves to it what the process has once. */

import type { KeyObject } from 'node:crypto'
import { parentPort, workerData } from 'node:worker_threads'
import { systemClock } from '#shared/clock'
import { withFileSettings } from '#shared/config'
import type { KeyDesk } from '#shared/data-keys'
import { reportCrashes } from '#shared/lifecycle'
import { createLog } from '#shared/log'
import { createMetrics } from '#shared/metrics'
import { reportStaleness } from '#shared/principals'
import { readGatewayConfig } from '../config.ts'
import { createGatewayMetrics } from '../metrics.ts'
import { startServing } from '../serve.ts'
import type { ThreadStart, ToMain, ToThread } from './messages.ts'
import { createQuestions } from './questions.ts'

if (parentPort === null) throw new Error('Cannot serve: this is no thread of a gateway')
const port = parentPort
const tell = (message: ToMain) => port.postMessage(message)
const { thread, share } = workerData as ThreadStart
const log = createLog({
  service: 'gateway',
  thread,
  writer: { write: (line) => tell({ kind: 'log-line', line }), flush: () => {} },
})
reportCrashes(log)
const metrics = createMetrics({ service: 'gateway' })
const count = createGatewayMetrics(metrics, { part: share.part })
const shutdown = new AbortController()
const keys = createQuestions<KeyObject | undefined>()
const desk: KeyDesk = {
  find: (name) => keys.ask((id) => tell({ kind: 'find-key', id, name })),
  async bring(name, key, forMs) {
    await keys.ask((id) => tell({ kind: 'bring-key', id, name, key, forMs }))
  },
  giveUp: (name) => tell({ kind: 'give-up-key', name }),
}
port.on('message', (message: ToThread) => {
  switch (message.kind) {
    case 'stop':
      return shutdown.abort()
    case 'key':
      return keys.answer(message.id, message.key)
    case 'read-metrics':
      return void metrics.snapshot().then((snapshot) => tell({ kind: 'metrics', id: message.id, metrics: snapshot }))
  }
})

const serving = await startServing({
  config: readGatewayConfig(withFileSettings(process.env)),
  share,
  desk,
  clock: systemClock,
  log,
  count,
  shutdown: shutdown.signal,
  reloads: reportStaleness({ log, metrics }),
  // The first thread shows it.
  onTlsInUse: () => {},
}).catch((error: unknown) => {
  // Told to stop before it served: what it was about to reach is of no matter any more.
  if (!shutdown.signal.aborted) throw error
})
if (serving !== undefined) {
  tell({ kind: 'ready' })
  await new Promise<void>((resolve) => {
    if (shutdown.signal.aborted) resolve()
    shutdown.signal.addEventListener('abort', () => resolve(), { once: true })
  })
  await serving.stop()
  // For pages that are asked for until the process ends.
  tell({ kind: 'metrics', id: undefined, metrics: await metrics.snapshot() })
}
port.close()
