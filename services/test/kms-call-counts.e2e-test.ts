/** How often KMS is asked, by its own log: the formula at any number of workers, and what more gateways add. */

import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Cast, CONNECTIONS, castPublishers, PAIRS, type Pair, untilBalanced } from './cast-publishers.ts'
import { type Prediction, watchPrediction } from './kms-prediction.ts'
import { difference, readKmsLog, readLedger, sumOf } from './kms-requests.ts'
import { readMetrics } from './messaging.ts'
import { type StartedService, startService } from './start-service.ts'
import { type Stack, startStack } from './start-stack.ts'

const PERIOD_SECONDS = 3
/** Continuous integration asks for more. */
const PERIODS = process.env.TEST_FULL === '1' ? 5 : 2
const EVERY_MS = 50
/** The stack's own gateway and two more. */
const ALIVE = 3
const WORKERS: readonly number[] = process.env.TEST_FULL === '1' ? [1, 2, 4] : [2]
const GATEWAYS: readonly number[] = process.env.TEST_FULL === '1' ? [2, 3] : [3]
const AT_ONCE = process.env.TEST_FULL === '1' ? 3_000 : 500
const SHORT_PERIODS = {
  SEALCAST_DATA_KEY_REUSE_SECONDS: String(PERIOD_SECONDS),
  // A machine that is busy for some seconds must not look like a worker that died.
  SEALCAST_LEASE_MS: '30000',
}

suite('KMS calls of steady publishers', () => {
  for (const workers of WORKERS) {
    test(`are 16 in each of ${PERIODS} periods for 3 + 5 publishers and ${workers} workers, and none of an idle one`, async (t) => {
      await using stack = await startStack({ env: { ...SHORT_PERIODS, SEALCAST_WORKERS: String(workers) } })
      await using cast = await castPublishers(stack)
      await untilBalanced(stack, workers)
      const prediction = watchPrediction(stack)
      const [idle] = cast.idle
      await idle?.publish()
      const published = await publishSteadily(cast.pairs)
      const [predicted] = await Promise.all([prediction.untilNone(), cast.untilDelivered(published + 1)])

      const log = await readKmsLog(stack)
      for (const { name } of cast.pairs) {
        assert.deepEqual(log.get(name), { GenerateDataKey: PERIODS, Decrypt: PERIODS }, name)
      }
      assert.deepEqual(log.get(idle?.name ?? ''), { GenerateDataKey: 1, Decrypt: 1 })
      assert.equal(sumOf(log).total, 2 * PAIRS * PERIODS + 2)
      assert.deepEqual(await readLedger(stack), log)
      assertPredicted(predicted, sumOf(log).total)
      assert.equal(Math.max(...predicted.pairs), PAIRS + 1)
      t.diagnostic(describe(predicted))
      t.diagnostic(`${workers} workers: ${published} messages, ${sumOf(log).total - 2} calls in ${PERIODS} periods`)
    })
  }
})

suite('KMS calls of publishers that several gateways share', () => {
  let stack: Stack
  let gateways: StartedService[]
  let cast: Cast

  before(async () => {
    stack = await startStack({ env: SHORT_PERIODS })
    gateways = await Promise.all([1, 2].map(() => startService(stack, 'gateway', SHORT_PERIODS)))
    cast = await castPublishers(stack, gateways)
  })

  after(async () => {
    for (const part of [cast, ...gateways, stack]) await part[Symbol.asyncDispose]()
  })

  for (const count of GATEWAYS) {
    test(`are at most ${count + 1} for each of them and period with ${count} gateways`, async (t) => {
      const before = await readKmsLog(stack)
      const prediction = watchPrediction(stack)
      const published = await publishSteadily(cast.pairs, { gateways: count })
      // The last period's keys must not serve the next test.
      const [predicted] = await Promise.all([prediction.untilNone(), cast.untilDelivered(published)])
      const added = difference(await readKmsLog(stack), before)
      assert.equal(added.size, PAIRS)
      for (const [name, { GenerateDataKey, Decrypt }] of added) {
        assert.equal(GenerateDataKey, PERIODS, name)
        assert.ok(Decrypt <= count * PERIODS, `${name}: ${Decrypt}`)
      }
      const { total } = sumOf(added)
      // It is for those that are alive: three.
      if (count === ALIVE) assertPredicted(predicted, total)
      assert.equal(Math.max(...predicted.pairs), PAIRS)
      t.diagnostic(describe(predicted))
      t.diagnostic(
        `${count} gateways: ${published} messages, ${total} calls of at most ${(count + 1) * PAIRS * PERIODS}`,
      )
    })
  }

  test('are in the ledger as in the log', async () => {
    assert.deepEqual(await readLedger(stack), await readKmsLog(stack))
  })
})

suite(`KMS calls of ${AT_ONCE} first publishes of one publisher at once`, () => {
  let stack: Stack
  let second: StartedService
  let cast: Cast

  before(async () => {
    const env = { SEALCAST_MAX_REQUESTS_IN_FLIGHT: '5000' }
    stack = await startStack({ env })
    second = await startService(stack, 'gateway', env)
    cast = await castPublishers(stack, [second])
  })

  after(async () => {
    for (const part of [cast, second, stack]) await part[Symbol.asyncDispose]()
  })

  for (const count of [1, 2]) {
    test(`are one GenerateDataKey and ${count} Decrypts with ${count} gateways`, async (t) => {
      const before = await readKmsLog(stack)
      const pair = cast.idle[count - 1]
      assert.ok(pair !== undefined)
      // Opening connections takes longer than a key does: without, the first publish would be over before the second.
      const targets = Array.from({ length: AT_ONCE }, (_, n) => n % count)
      await Promise.all(targets.slice(0, 2 * CONNECTIONS).map((target) => pair.publishInClear(target)))
      const missedBefore = await gatewayMisses(stack)
      await Promise.all(targets.map((target) => pair.publish(target)))
      const waited = (await gatewayMisses(stack)) - missedBefore
      await cast.untilDelivered(AT_ONCE)
      const added = difference(await readKmsLog(stack), before)
      assert.deepEqual([...added], [[pair.name, { GenerateDataKey: 1, Decrypt: count }]])
      t.diagnostic(`${waited} of them waited for the key in the first gateway`)
    })
  }
})

/**
 * Every pair publishes at its own pace until late in its last period: what each refresh is late by adds up, and so long
 * as that stays below two seconds every pair has exactly so many keys.
 *
 * @param o.gateways each message is sent to so many of the started ones, or to the stack's own
 * @returns how many messages
 */
async function publishSteadily(pairs: readonly Pair[], { gateways = 0 }: { gateways?: number } = {}): Promise<number> {
  const targets = gateways === 0 ? [0] : Array.from({ length: gateways }, (_, at) => at % 3)
  const counts = await Promise.all(
    pairs.map(async (pair) => {
      const startedAt = performance.now()
      let published = 0
      while (performance.now() - startedAt < (PERIODS - 0.3) * PERIOD_SECONDS * 1000) {
        await Promise.all(targets.map((target) => pair.publish(target)))
        published += targets.length
        await sleep(EVERY_MS)
      }
      return published
    }),
  )
  return counts.reduce((sum, count) => sum + count, 0)
}

/**
 * Ends are seen up to half a second late, and a pair counts for a tenth of a second longer than its key lasts: nothing
 * beside periods of five minutes, and not little beside these on a busy machine. Looked at more often: active-pairs.integration-test.ts.
 */
function assertPredicted(prediction: Prediction, made: number): void {
  const { requests, pairs } = prediction
  assert.ok(requests > 0.7 * made && requests < 1.3 * made, `${made} made, ${describe(prediction)}`)
  // From all of them to all of them for the last time, over the end of a period at least.
  const isAll = (count: number) => count >= PAIRS
  const steady = pairs.slice(pairs.findIndex(isAll), pairs.findLastIndex(isAll) + 1)
  const mean = steady.reduce((sum, count) => sum + count, 0) / steady.length
  assert.ok(mean > 0.75 * PAIRS, `${mean} active, ${describe(prediction)}`)
}

function describe({ requests, pairs }: Prediction): string {
  return `predicted ${requests.toFixed(1)} calls; active pairs at each look: ${pairs.join(' ')}`
}

/** @returns how often the stack's own gateway had no usable data key for a publish */
async function gatewayMisses(stack: Stack): Promise<number> {
  const page = (await readMetrics(stack)).find((text) => text.includes('sealcast_api_requests_total'))
  return Number(/^sealcast_data_key_cache_misses_total (\d+)$/m.exec(page ?? '')?.[1] ?? 0)
}
