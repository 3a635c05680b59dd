import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createFakeClock } from '#shared/clock'
import type { SealedDataKey } from '#shared/data-keys'
import { deriveDataKey } from '#shared/envelope'
import {
  KmsAccessDeniedError,
  KmsDisabledError,
  KmsIntegrityError,
  KmsThrottlingError,
  KmsUnavailableError,
} from '#shared/kms-client'
import type { Log } from '#shared/log'
import { KEY_PROBE_MS } from '../limits.ts'
import { createKeyWatch } from './key-watch.ts'

const KEY = 'arn:aws:kms:us-east-1:000000000000:key/1'
const FIRST_MS = 5_000

suite('createKeyWatch()', () => {
  test('probes every 30 s in production', () => {
    assert.equal(KEY_PROBE_MS, 30_000)
  })

  test('holds a refusal of a key against all its data keys, and "denied" against one alone', () => {
    const { watch } = setup()
    watch.refused(dataKey('a'), new KmsAccessDeniedError('denied'))
    assert.equal(watch.refusalOf(dataKey('a'))?.code, 'KMS_ACCESS_DENIED')
    assert.equal(watch.refusalOf(dataKey('b')), undefined)
    watch.refused(dataKey('a'), new KmsThrottlingError('slow down'))
    assert.equal(watch.refusalOf(dataKey('b'))?.code, 'KMS_THROTTLING')
    assert.equal(watch.refusalOf({ ...dataKey('b'), keyArn: `${KEY}2` }), undefined)
    watch.worked(KEY)
    assert.equal(watch.refusalOf(dataKey('a')), undefined)
  })

  test('forgets a refusal that nobody waits about', () => {
    const { watch, clock } = setup()
    watch.refused(dataKey('a'), new KmsDisabledError('disabled'))
    clock.advance(FIRST_MS - 1)
    assert.ok(watch.refusalOf(dataKey('a')))
    clock.advance(1)
    assert.equal(watch.refusalOf(dataKey('a')), undefined)
  })

  test('probes soon, then once an interval, however many partitions wait, and releases them all', async () => {
    const { watch, clock, probes, fail, wait } = setup()
    fail(new KmsDisabledError('disabled'))
    watch.refused(dataKey('a'), new KmsDisabledError('disabled'))
    const waiting = [wait(), wait(), wait()]
    const at: number[] = []
    for (let second = 1; second <= 96; second++) {
      clock.advance(1_000)
      const before = probes.length
      await watch.probeDue()
      if (probes.length > before) at.push(second)
    }
    assert.deepEqual(at, [5, 35, 65, 95])
    assert.equal(probes.length, 4)
    assert.ok(watch.refusalOf(dataKey('b')), 'it stands while somebody waits')
    fail(undefined)
    clock.advance(29_000)
    await watch.probeDue()
    assert.deepEqual(
      waiting.map(({ released }) => released()),
      [1, 1, 1],
    )
    assert.equal(watch.isRefused(KEY), false)
    assert.ok(probes.every(({ purpose }) => purpose === 'probe'))
  })

  test('samples the partitions in turn', async () => {
    const { watch, clock, fail, wait } = setup()
    fail(new KmsUnavailableError('down'))
    const waiting = [wait(), wait()]
    for (const expected of [
      [1, 0],
      [1, 1],
      [2, 1],
    ]) {
      clock.advance(KEY_PROBE_MS)
      await watch.probeDue()
      assert.deepEqual(
        waiting.map(({ sampled }) => sampled()),
        expected,
      )
    }
  })

  test('never probes twice within an interval, however often the key fails and works', async () => {
    const { watch, clock, probes, wait } = setup()
    wait()
    for (let second = 0; second < 60; second++) {
      watch.refused(dataKey('a'), new KmsThrottlingError('slow down'))
      clock.advance(1_000)
      await watch.probeDue()
      watch.worked(KEY)
    }
    assert.ok(probes.length <= 2, `${probes.length} probes`)
  })

  test('releases at once when a message is opened meanwhile', () => {
    const { watch, wait } = setup()
    watch.refused(dataKey('a'), new KmsDisabledError('disabled'))
    const { released } = wait()
    watch.worked(KEY)
    watch.worked(KEY)
    assert.equal(released(), 1)
  })

  test('passes over a data key that is denied for itself, and has one put aside that is not genuine', async () => {
    const { watch, clock, fail, wait } = setup()
    const { passedOver, quarantined, released } = wait()
    clock.advance(KEY_PROBE_MS)
    fail(new KmsAccessDeniedError('denied'))
    await watch.probeDue()
    assert.equal(passedOver(), 1)
    clock.advance(KEY_PROBE_MS)
    fail(new KmsIntegrityError('not genuine'))
    await watch.probeDue()
    assert.deepEqual(quarantined, ['KMS_INTEGRITY'])
    assert.equal(released(), 0)
  })

  test('asks nobody when there is nothing to probe with, and looks again soon', async () => {
    const { watch, clock, probes, wait } = setup()
    const one = wait()
    one.empty()
    clock.advance(KEY_PROBE_MS)
    await watch.probeDue()
    assert.equal(probes.length, 0)
    clock.advance(FIRST_MS)
    await watch.probeDue()
    assert.equal(one.sampled(), 2)
  })

  test('probes although the clock was set back', async () => {
    const { watch, clock, probes, wait } = setup()
    wait()
    clock.advance(-10 * KEY_PROBE_MS)
    await watch.probeDue()
    assert.equal(probes.length, 1)
  })

  test('says when a key is held, and when it is released rather than left to somebody else', () => {
    const { watch, wait, events, clock } = setup()
    watch.refused(dataKey('a'), new KmsDisabledError('disabled'))
    const [one, other] = [wait(), wait()]
    one?.end({ released: true })
    clock.advance(1_000)
    other?.end({ released: true })
    wait().end({ released: false })
    assert.deepEqual(events, ['key.held KMS_DISABLED', 'key.released 1000', 'key.held KMS_DISABLED'])
  })
})

function dataKey(name: string): SealedDataKey {
  return {
    encryptedDataKey: Buffer.from(name),
    dataKeyId: Buffer.alloc(16),
    keyArn: KEY,
    topicArn: 'arn:aws:sns:us-east-1:000000000000:orders',
    principal: 'arn:aws:iam::000000000000:user/ada',
  }
}

function setup() {
  const clock = createFakeClock(1_000_000_000)
  const probes: { purpose: string | undefined }[] = []
  const events: string[] = []
  let failure: Error | undefined
  const log: Log = {
    info: (event, fields) => void events.push(`${event} ${fields?.heldMs}`),
    warn: (event, fields) => void events.push(`${event} ${fields?.reason}`),
    error: () => undefined,
    alarm: () => undefined,
    flush: () => undefined,
  }
  const watch = createKeyWatch({
    openingKeys: {
      async obtain(_sealed, o) {
        probes.push({ purpose: o?.purpose })
        if (failure !== undefined) throw failure
        return deriveDataKey(Buffer.alloc(16), Buffer.alloc(32))
      },
    },
    clock,
    intervalMs: KEY_PROBE_MS,
    log,
  })
  return {
    clock,
    watch,
    probes,
    events,
    fail(error: Error | undefined) {
      failure = error
    },
    /** A partition whose messages wait. */
    wait() {
      let released = 0
      let sampled = 0
      let passedOver = 0
      let isEmpty = false
      const quarantined: string[] = []
      const end = watch.watch(KEY, {
        async sample() {
          sampled++
          if (isEmpty) return undefined
          return {
            dataKey: dataKey(`${sampled}`),
            passOver: () => void passedOver++,
            quarantine: async (reason) => void quarantined.push(reason),
          }
        },
        release: () => void released++,
      })
      return {
        end,
        quarantined,
        released: () => released,
        sampled: () => sampled,
        passedOver: () => passedOver,
        empty() {
          isEmpty = true
        },
      }
    },
  }
}
