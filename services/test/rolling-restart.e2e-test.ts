/** Two gateways and two workers are replaced under load, and neither publishers nor subscribers notice. */

import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  createKey,
  createTopic,
  kmsClient,
  readMetrics,
  snsClient,
  subscribeAndConfirm,
  trustStack,
  untilFinished,
} from './messaging.ts'
import { readPids, startStack, waitUntil } from './start-stack.ts'
import { startSteadyLoad, watchArrivals } from './steady-load.ts'

const PER_SECOND = 100
const TOPICS = 4

suite('a rolling restart of 2 gateways and 2 workers', () => {
  test(`under ${PER_SECOND} publishes a second gives publishers no error and pauses no delivery for 2 s`, async (t) => {
    await using stack = await startStack({ env: { SEALCAST_GATEWAYS: '2', SEALCAST_WORKERS: '2' } })
    trustStack(stack)
    const names = ['gateway', 'gateway-2', 'delivery', 'delivery-2', 'kms', 'redis']
    assert.deepEqual(Object.keys(readPids(stack.home)).toSorted(), names.toSorted())
    assert.equal((await readMetrics(stack)).length, 5)
    const before = readPids(stack.home)

    const sns = snsClient(stack)
    const kms = kmsClient(stack)
    const KmsMasterKeyId = await createKey(kms)
    // Of several topics, so that several partitions are at work on each worker.
    const topicArns = await Promise.all(Array.from({ length: TOPICS }, () => createTopic(sns, { KmsMasterKeyId })))
    await using subscriber = await subscribeAndConfirm(stack, { sns, topicArns })
    const arrivals = watchArrivals(subscriber)
    const load = startSteadyLoad({ sns, topicArns, perSecond: PER_SECOND })
    await sleep(2_000)
    // What this machine takes anyway is not the restart's doing.
    const usualGapMs = arrivals.longestGapMs()

    process.kill(stack.supervisorPid, 'SIGUSR2')
    const replaced = () => (stack.output().match(/^\S+ +replaced/gm) ?? []).length
    await waitUntil('all four were replaced', () => replaced() === 4)
    await sleep(1_000)
    const { acknowledged, errors, retried, longestPublishMs } = await load.stop()
    await waitUntil('every message arrived', () => acknowledged.every((id) => arrivals.messageIds.has(id)), 20_000)
    await untilFinished(stack)

    const gapMs = arrivals.longestGapMs()
    t.diagnostic(
      `acknowledged ${acknowledged.length}, delivered ${arrivals.messageIds.size}, duplicates ${arrivals.duplicates}, ` +
        `lost 0, errors ${errors.length}, retried ${retried}, longest gap of a topic ${gapMs.toFixed(0)} ms (${usualGapMs.toFixed(0)} ms before), longest publish ${longestPublishMs.toFixed(0)} ms`,
    )
    assert.deepEqual(errors, [])
    // What was published late arrives late: that is not the workers' doing.
    assert.ok(gapMs < 2_000 + usualGapMs + longestPublishMs, `${gapMs} ms`)
    const after = readPids(stack.home)
    assert.deepEqual(Object.keys(after).toSorted(), names.toSorted())
    for (const name of names) assert.equal(after[name] === before[name], name === 'kms' || name === 'redis', name)
    sns.destroy()
    kms.destroy()
  })
})
