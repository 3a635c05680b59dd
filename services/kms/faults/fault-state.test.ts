import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createFakeClock } from '#shared/clock'
import { type FaultPlan, parseFaultPlan } from './fault-plan.ts'
import { createFaultState, type FaultRequest } from './fault-state.ts'

const KEY = 'arn:aws:kms:us-east-1:000000000000:key/k'
const USER = 'arn:aws:iam::000000000000:user/a'

suite('throttling', () => {
  test('lets a burst through and then the rate, each account and quota by itself', () => {
    const { state, clock, meets } = setup({ throttling: [{ ratePerSecond: 1, burst: 2 }] })
    assert.deepEqual([meets(), meets(), meets()], [undefined, undefined, 'throttled'])
    assert.equal(meets({ operation: 'GenerateDataKey' }), 'throttled')
    assert.equal(meets({ operation: 'DescribeKey' }), undefined)
    assert.equal(meets({ account: '111111111111' }), undefined)
    clock.advance(1_000)
    assert.deepEqual([meets(), meets()], [undefined, 'throttled'])
    assert.deepEqual(state.describe().throttling, [{ ratePerSecond: 1, burst: 2, throttled: 3 }])
  })

  test('has a burst of one second where none is given, and goes by the first rule that fits', () => {
    const { meets } = setup({
      throttling: [
        { quota: 'symmetric', account: '000000000000', ratePerSecond: 3 },
        { quota: 'symmetric', ratePerSecond: 0 },
      ],
    })
    assert.deepEqual([meets(), meets(), meets(), meets()], [undefined, undefined, undefined, 'throttled'])
    assert.equal(meets({ account: '111111111111' }), 'throttled')
    assert.equal(meets({ operation: 'ListKeys' }), undefined)
  })

  test('uses up no fault', () => {
    const { meets } = setup({ throttling: [{ ratePerSecond: 0 }], faults: [{ kind: 'reset', requests: 1 }] })
    assert.equal(meets(), 'throttled')
    assert.equal(meets({ operation: 'ListKeys' }), 'throttled')
  })
})

suite('a fault', () => {
  test('ends after its number of requests', () => {
    const { meets, state } = setup({ faults: [{ kind: 'reset', requests: 2 }] })
    assert.deepEqual([meets(), meets(), meets()], ['reset', 'reset', undefined])
    assert.deepEqual(state.describe().faults, [])
  })

  test('ends with its time', () => {
    const { meets, clock } = setup({ faults: [{ kind: 'hang', forMs: 100 }] })
    clock.advance(99)
    assert.equal(meets(), 'hang')
    clock.advance(1)
    assert.equal(meets(), undefined)
  })

  test('is met only by the operation, key and caller it names', () => {
    const { meets } = setup({ faults: [{ kind: 'reset', operations: ['Decrypt'], keyArn: KEY, caller: USER }] })
    assert.equal(meets(), 'reset')
    assert.equal(meets({ operation: 'GenerateDataKey' }), undefined)
    assert.equal(meets({ keyArn: () => undefined }), undefined)
    assert.equal(meets({ keyArn: () => `${KEY}2` }), undefined)
    assert.equal(meets({ caller: `${USER}b` }), undefined)
  })

  test('of latency adds up with others and goes on to the next', () => {
    const { state } = setup({
      faults: [
        { kind: 'latency', ms: 5 },
        { kind: 'latency', ms: { minMs: 10, maxMs: 20 } },
        { kind: 'error', name: 'OptInRequired', message: 'no' },
        { kind: 'reset' },
      ],
    })
    assert.deepEqual(state.decide(REQUEST), {
      delayMs: 25,
      fault: { kind: 'error', name: 'OptInRequired', message: 'no' },
    })
  })

  test('is met by the given share of requests', () => {
    const random = sequence([0.2, 0.3, 0.24, 0.25])
    const { meets } = setup({ faults: [{ kind: 'reset', probability: 0.25 }] }, random)
    assert.deepEqual([meets(), meets(), meets(), meets()], ['reset', undefined, 'reset', undefined])
  })

  test('of latency by median and 99th percentile has both', () => {
    const { state } = setup({ faults: [{ kind: 'latency', ms: { medianMs: 10, p99Ms: 200 } }] }, seeded())
    const delays = Array.from({ length: 20_000 }, () => state.decide(REQUEST).delayMs).toSorted((a, b) => a - b)
    const at = (share: number) => delays[Math.floor(share * delays.length)] ?? 0
    assert.ok(at(0.5) > 9 && at(0.5) < 11, `median ${at(0.5)}`)
    assert.ok(at(0.99) > 160 && at(0.99) < 250, `p99 ${at(0.99)}`)
    assert.ok(at(1 - 1e-9) <= 600)
  })
})

suite('a plan', () => {
  test('is replaced as a whole, or added to', () => {
    const { state, meets } = setup({ faults: [{ kind: 'reset', requests: 1 }] })
    state.add(parse({ faults: [{ kind: 'hang' }] }))
    assert.deepEqual([meets(), meets()], ['reset', 'hang'])
    state.replace(parse({ throttling: [{ ratePerSecond: 0 }] }))
    assert.equal(meets(), 'throttled')
    state.replace(parse({}))
    assert.equal(meets(), undefined)
  })

  test('does not grow beyond its bound by additions, and keeps what it had', () => {
    const sixty = { faults: Array.from({ length: 60 }, () => ({ kind: 'reset' })) }
    const { state } = setup(sixty)
    assert.throws(() => state.add(parse(sixty)), { code: 'DOCUMENT_INVALID' })
    assert.equal(state.describe().faults.length, 60)
  })
})

const REQUEST: FaultRequest = { operation: 'Decrypt', account: '000000000000', caller: USER, keyArn: () => KEY }

function parse(plan: object): FaultPlan {
  return parseFaultPlan(JSON.stringify(plan))
}

function sequence(values: number[]): () => number {
  return () => values.shift() ?? 0
}

/** A linear congruential generator: the same numbers in every run. */
function seeded(): () => number {
  let state = 42
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32
    return state / 2 ** 32
  }
}

function setup(plan: object, random = () => 1) {
  const clock = createFakeClock()
  const state = createFaultState({ clock, random })
  state.replace(parse(plan))
  return {
    state,
    clock,
    meets: (other: Partial<FaultRequest> = {}) => state.decide({ ...REQUEST, ...other }).fault?.kind,
  }
}
