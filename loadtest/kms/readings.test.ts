/** What is read out of texts: messages, the KMS's log, settings; and what follows from samples. */

import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { ratesOver } from './charts.ts'
import { gatewayBetween } from './connect-publishers.ts'
import { formulaMonth, formulaOf, measuredMonth } from './formula.ts'
import { agesAt, issuesOf, lifetimesMs } from './kms-log.ts'
import { messageBody, readMessageBody } from './message-body.ts'
import { interpret, refuses } from './settings.ts'

suite('messageBody()', () => {
  const message = fc.record({ lane: fc.nat(9_999), n: fc.nat(999_999), bytes: fc.integer({ min: 64, max: 5_000 }) })

  test('has the size that was asked for, and is read back', () => {
    fc.assert(
      fc.property(message, (o) => {
        const text = messageBody(o)
        assert.equal(Buffer.byteLength(text), o.bytes)
        assert.deepEqual(readMessageBody(text), { lane: o.lane, n: o.n })
      }),
    )
  })

  test('is not taken for right when any character of it is another or missing', () => {
    fc.assert(
      fc.property(message, fc.nat(), (o, at) => {
        const text = messageBody(o)
        const index = at % text.length
        const altered = `${text.slice(0, index)}${text[index] === '0' ? '1' : '0'}${text.slice(index + 1)}`
        const read = readMessageBody(altered)
        assert.ok(read === undefined || read.lane !== o.lane || read.n !== o.n)
        assert.equal(readMessageBody(text.slice(0, -1)), undefined)
      }),
    )
  })
})

suite("the KMS's log", () => {
  const line = (second: number, user: string, more: object = {}) =>
    JSON.stringify({
      time: new Date(second * 1000).toISOString(),
      event: 'request.served',
      operation: 'GenerateDataKey',
      onBehalfOf: user,
      encryptionContext: '{"aws:sns:topicArn":"t"}',
      durationMs: 0,
      ...more,
    })

  test('tells when data keys were issued, and nothing of what is refused, foreign or cut off', () => {
    const log = [
      line(1, 'a', { durationMs: 4 }),
      line(2, 'a', { event: 'request.refused' }),
      line(3, 'a', { operation: 'Decrypt' }),
      line(4, 'b', { onBehalfOf: undefined }),
      line(5, 'b').slice(0, -9),
      'no JSON "GenerateDataKey" "request.served"',
    ].join('\n')
    assert.deepEqual(issuesOf(log), [{ topicArn: 't', principal: 'a', atMs: 996 }])
  })

  test('tells how old keys became, pair by pair', () => {
    const issues = issuesOf([line(1, 'a'), line(2, 'b'), line(6.5, 'a'), line(7, 'b'), line(12, 'b')].join('\n'))
    assert.deepEqual(lifetimesMs(issues), [5_500, 5_000, 5_000])
    assert.deepEqual(agesAt(issues, 6_000), [5_000, 4_000])
    assert.deepEqual(agesAt(issues, 999), [])
  })
})

suite('interpret()', () => {
  const values = {
    pattern: 'steady',
    throttle: 0,
    latency: '',
    faults: '',
    kms: 'local' as const,
    key: '',
    kmsMetrics: '',
  }
  const interpreted = (o: Partial<Record<keyof typeof values, unknown>>) =>
    interpret({ ...values, ...o } as Parameters<typeof interpret>[0], {
      readFile: () => '{"faults":[{"kind":"hang"}]}',
    })

  test('makes a plan of throttling, latency and a file', () => {
    const { plan, problems, patterns } = interpreted({
      pattern: 'steady, bursty',
      throttle: 3,
      latency: '5..80',
      faults: 'plan.json',
    })
    assert.deepEqual(problems, [])
    assert.deepEqual(patterns, ['steady', 'bursty'])
    assert.deepEqual(plan, {
      throttling: [{ quota: 'symmetric', ratePerSecond: 3 }],
      faults: [{ kind: 'latency', ms: { medianMs: 5, p99Ms: 80 } }, { kind: 'hang' }],
    })
  })

  test('knows that delays alone refuse nothing', () => {
    assert.deepEqual(
      [{}, { latency: '20' }, { throttle: 1 }, { faults: '{"faults":[{"kind":"reset"}]}' }].map((o) =>
        refuses(interpreted(o).plan),
      ),
      [false, false, true, true],
    )
  })

  test('says what is wrong with each setting', () => {
    for (const wrong of [
      { pattern: 'steady,lazy' },
      { latency: 'slow' },
      { latency: '80..5' },
      { faults: '{"faults":{}}' },
      { faults: '{' },
      { kms: 'aws' },
      { kms: 'aws', key: 'k', throttle: 1 },
      { kmsMetrics: 'http://127.0.0.1:1/metrics' },
    ]) {
      assert.equal(interpreted(wrong).problems.length, 1, JSON.stringify(wrong))
    }
    assert.deepEqual(interpreted({ kms: 'aws', key: 'k' }).problems, [])
  })
})

suite('the formula', () => {
  const month = { days: 28, reuseSeconds: 300, region: 'us-east-1' }

  test('is 384, 576 and 960 for 3 + 5 publishers, 24 periods and 1, 2 and 4 gateways', () => {
    const of = (gateways: number) => formulaOf({ publishers: [3, 5], gateways, publisherPeriods: 8 * 24 })
    assert.deepEqual(
      [1, 2, 4].map((gateways) => of(gateways).requests),
      [384, 576, 960],
    )
    assert.deepEqual(
      [1, 2, 4].map((gateways) => of(gateways).textbook),
      [384, 384, 384],
    )
    assert.equal(of(2).perPeriod, 24)
  })

  test('makes the same month of a run that reached it as the estimate does: 129,024', () => {
    const formula = formulaMonth({ ...month, publishers: [3, 5], gateways: 1 })
    assert.equal(formula.requests, 129_024)
    const measured = measuredMonth({ ...month, publishers: [3, 5], requests: 384, publisherPeriods: 192 })
    assert.deepEqual(measured, formula)
    assert.equal(measured.cost?.usd, 0.327072)
  })
})

suite('ratesOver()', () => {
  test('is flat where as many requests come in each span, and counts the first span from zero', () => {
    const samples = [1, 2, 3, 4].map((second) => ({
      atMs: second * 1000,
      requests: { GenerateDataKey: second * 4, Decrypt: 0 },
      begun: 0,
      oldestAgesSeconds: [],
    }))
    assert.deepEqual(
      ratesOver(samples, 2_000, ({ requests }) => requests.GenerateDataKey),
      [
        [1, 2],
        [2, 4],
        [3, 4],
        [4, 4],
      ],
    )
  })
})

suite('gatewayBetween()', () => {
  test('names the one whose counter moved, and nobody when several did', () => {
    assert.equal(gatewayBetween([4, 7, 2], [4, 8, 2]), 1)
    assert.throws(() => gatewayBetween([4, 7], [5, 8]))
    assert.throws(() => gatewayBetween([4, 7], [4, 7]))
  })
})
