/** A KMS that refuses, fails, lies, or is not there. */

import { once } from 'node:events'
import { createServer, request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createKey, createTopic, publish, subscribeAndConfirm } from '../../../services/test/messaging.ts'
import { repeat, type Stage } from '../stage.ts'
import type { ProvokedFault } from './fault.ts'

const DATA_KEY_OPERATIONS = ['GenerateDataKey', 'Decrypt']

export const DENIED: ProvokedFault = {
  name: 'KMS denies a key',
  feeds: ['KMS_ACCESS_DENIED', 'sealcast:kms_failures', 'outcome!="ok"', 'breakers_open', 'calls_refused'],
  alerts: ['SealcastKmsDenied'],
  provoke: (stage, { undo }) => publishDenied(stage, { undo, each: 1 }),
}

export const MISSES: ProvokedFault = {
  name: 'KMS denies a key that most messages are meant for',
  feeds: [],
  alerts: ['SealcastDataKeyCacheMisses'],
  // More look-ups in vain than the steady load has successful ones.
  provoke: (stage, { undo }) => publishDenied(stage, { undo, each: 12 }),
}

/** @param o.each messages ten times a second */
async function publishDenied(
  { cast, kms, kmsFaults }: Stage,
  { undo, each }: { undo: AsyncDisposableStack; each: number },
): Promise<void> {
  const keyArn = await createKey(kms)
  const topicArn = await createTopic(cast.admin, { KmsMasterKeyId: keyArn })
  await kmsFaults('POST', { faults: [{ kind: 'error', name: 'AccessDeniedException', keyArn }] })
  undo.defer(() => kmsFaults('DELETE'))
  const some = Array.from({ length: each }, () => topicArn)
  undo.use(repeat(100, () => Promise.allSettled(some.map((arn) => publish(cast.admin, arn, 'denied')))))
}

export const HELD: ProvokedFault = {
  name: 'a key is disabled when messages are to be opened',
  feeds: ['sealcast_held', 'entries_held', 'KMS_DISABLED'],
  alerts: ['SealcastKmsKeyUnusable', 'SealcastEntriesHeld', 'SealcastEntriesHeldLong'],
  async provoke({ stack, cast, kms, kmsFaults }, { undo }) {
    const keyArn = await createKey(kms)
    const topicArn = await createTopic(cast.admin, { KmsMasterKeyId: keyArn })
    undo.use(await subscribeAndConfirm(stack, { sns: cast.admin, topicArn }))
    const name = 'DisabledException'
    await kmsFaults('POST', { faults: [{ kind: 'error', name, keyArn, operations: ['Decrypt'] }] })
    undo.defer(() => kmsFaults('DELETE'))
    undo.use(repeat(500, () => publish(cast.admin, topicArn, 'held')))
  },
}

export const THROTTLED: ProvokedFault = {
  name: 'KMS throttles',
  feeds: ['KMS_THROTTLING', 'hrottl', 'breakers_open', 'calls_refused'],
  alerts: ['SealcastKmsThrottled'],
  async provoke({ kmsFaults }, { undo, untilFired }) {
    await kmsFaults('PUT', { throttling: [{ quota: 'symmetric', ratePerSecond: 0, burst: 0 }] })
    undo.defer(() => kmsFaults('DELETE'))
    await untilFired('SealcastKmsThrottled')
    await kmsFaults('DELETE')
  },
}

export const OUTAGE: ProvokedFault = {
  name: 'KMS cannot be reached',
  feeds: ['KMS_UNAVAILABLE', 'breakers_open', 'calls_refused', 'injected_faults'],
  alerts: ['SealcastKmsUnavailable'],
  async provoke({ kmsFaults }, { undo }) {
    await kmsFaults('PUT', { faults: [{ kind: 'reset', operations: DATA_KEY_OPERATIONS }] })
    undo.defer(() => kmsFaults('DELETE'))
  },
}

export const MORE_CALLS: ProvokedFault = {
  name: 'KMS fails two times in five, so that calls are made again',
  feeds: ['sealcast:kms_ratio'],
  alerts: ['SealcastKmsCallsAbovePrediction'],
  async provoke({ kmsFaults }, { undo }) {
    const faults = [{ kind: 'error', name: 'KMSInternalException', probability: 0.4, operations: DATA_KEY_OPERATIONS }]
    await kmsFaults('PUT', { faults })
    undo.defer(() => kmsFaults('DELETE'))
  },
}

/** Passes everything on to the KMS, and says in each answer that another key was used. @returns its URL */
export async function startLyingKms(endpoint: string, undo: AsyncDisposableStack): Promise<string> {
  const { hostname, port } = new URL(endpoint)
  const server = createServer((incoming, outgoing) => {
    const { method, url, headers } = incoming
    const asked = httpRequest({ hostname, port, method, path: url, headers }, async (answer) => {
      const chunks: Buffer[] = []
      for await (const chunk of answer) chunks.push(chunk)
      const text = Buffer.concat(chunks)
        .toString('utf8')
        .replace(/:key\/[\da-f]{8}/, ':key/00000000')
      const { 'content-length': _length, ...rest } = answer.headers
      outgoing.writeHead(answer.statusCode ?? 500, rest).end(text)
    })
    asked.on('error', () => outgoing.destroy())
    incoming.pipe(asked)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  undo.defer(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
