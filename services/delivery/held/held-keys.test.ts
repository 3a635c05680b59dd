import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createFakeClock } from '#shared/clock'
import type { Log } from '#shared/log'
import { createMetrics } from '#shared/metrics'
import { createBudget } from '../in-flight-budget.ts'
import { createDeliveryMetrics } from '../metrics.ts'
import { openHeldKeys } from './held-keys.ts'
import { createHeldReferences } from './held-references.ts'
import type { WaitingMessages } from './key-watch.ts'

const KEY = 'arn:aws:kms:us-east-1:000000000000:key/a'

suite('openHeldKeys()', () => {
  test('goes on waiting for a key when a message joined while its last one was counted out', async () => {
    const { join, watched, leaving, ended } = setup()
    await join(async () => ({ held: 1 }))
    const [waiting] = watched
    waiting?.release()
    const counted = await leaving()
    // The count is from before it joined; its reply comes with the other's and is read one step later.
    await join(async () => ({ held: 1 }))
    counted(0)
    await turn()
    assert.equal(watched.size, 1)

    waiting?.release()
    const countedAgain = await leaving()
    countedAgain(0)
    await turn()
    assert.equal(watched.size, 0)
    ended.abort()
  })
})

const turn = () => new Promise((resolve) => setImmediate(resolve))

const silentLog: Log = {
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  alarm: () => undefined,
  flush: () => undefined,
}

function setup() {
  const clock = createFakeClock()
  const ended = new AbortController()
  const watched = new Set<WaitingMessages>()
  let counted = Promise.withResolvers<(left: number) => void>()
  const lease = {
    partition: 0,
    listHeldKeys: async () => [],
    readHeld: async () => [],
    leaveHeld: () => new Promise<number>((resolve) => counted.resolve(resolve)),
  }
  let move = async () => ({ held: 0, left: 0 })
  const heldReferences = createHeldReferences({ holdReference: () => move() })
  const unused = {} as never
  openHeldKeys({
    lease: lease as never,
    heldReferences,
    keyWatch: {
      refusalOf: () => undefined,
      isRefused: () => false,
      refused: () => undefined,
      worked: () => undefined,
      watch(_keyArn, waiting) {
        watched.add(waiting)
        return () => void watched.delete(waiting)
      },
      probeDue: async () => undefined,
    },
    recordMac: unused,
    topics: unused,
    handleEntry: unused,
    handOver: unused,
    backlogs: unused,
    retries: unused,
    budget: createBudget({ capacity: 128 }),
    clock,
    ended: ended.signal,
    gone: ended.signal,
    onLeaseLost: assert.fail,
    log: silentLog,
    metrics: createDeliveryMetrics(createMetrics({ service: 'test' }), clock),
  })
  return {
    ended,
    watched,
    /** A message of the retry schedule finds its key refused. */
    async join(how: () => Promise<{ held: number }>) {
      move = async () => ({ ...(await how()), left: 0 })
      const reference = { messageId: 'm', subscriptionId: 's', acceptedAt: 1, backlogId: undefined }
      assert.equal(await heldReferences.hold(KEY, reference, 'KMS_DISABLED'), true)
    },
    /** Resolves, once it is asked, to what answers how many are left. */
    async leaving() {
      const answer = await counted.promise
      counted = Promise.withResolvers()
      return answer
    },
  }
}
