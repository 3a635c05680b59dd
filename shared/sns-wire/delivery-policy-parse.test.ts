import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { effectiveDelivery } from './delivery-policy-effective.ts'
import { parseSubscriptionDeliveryPolicy, parseTopicDeliveryPolicy } from './delivery-policy-parse.ts'
import { InvalidParameterError } from './errors.ts'
import { type RetryPolicy, retryDelays } from './retry-delays.ts'

const DEFAULT =
  '{"http":{"defaultHealthyRetryPolicy":{"minDelayTarget":20,"maxDelayTarget":20,"numRetries":3,"numMaxDelayRetries":0,"numNoDelayRetries":0,"numMinDelayRetries":0,"backoffFunction":"linear"},"disableSubscriptionOverrides":false,"defaultRequestPolicy":{"headerContentType":"text/plain; charset=UTF-8"}}}'

suite('parseTopicDeliveryPolicy()', () => {
  const accepted: [what: string, sent: string, stored: string][] = [
    ['null blocks', '{"http":{"defaultHealthyRetryPolicy":null}}', '{"http":{"disableSubscriptionOverrides":false}}'],
    ['nothing at all', '{"http":{}}', '{"http":{"disableSubscriptionOverrides":false}}'],
    ['the default as it reads back', DEFAULT, DEFAULT],
    [
      'white space and another order',
      ' { "http" : { "disableSubscriptionOverrides" : true, "defaultHealthyRetryPolicy" : { "numRetries" : 5, "minDelayTarget" : 2 } } } ',
      '{"http":{"defaultHealthyRetryPolicy":{"minDelayTarget":2,"numRetries":5},"disableSubscriptionOverrides":true}}',
    ],
    [
      'every block',
      '{"http":{"defaultRequestPolicy":{"headerContentType":"text/csv"},"defaultThrottlePolicy":{"maxReceivesPerSecond":1},"defaultHealthyRetryPolicy":{"numRetries":null}}}',
      '{"http":{"defaultHealthyRetryPolicy":{},"disableSubscriptionOverrides":false,"defaultThrottlePolicy":{"maxReceivesPerSecond":1},"defaultRequestPolicy":{"headerContentType":"text/csv"}}}',
    ],
  ]
  for (const [what, sent, stored] of accepted) {
    test(`takes ${what}`, () => assert.equal(parseTopicDeliveryPolicy(sent), stored))
  }

  test('gives back what it gave', () => {
    for (const [, , stored] of accepted) assert.equal(parseTopicDeliveryPolicy(stored), stored)
  })

  const refused: [sent: string, reason: string][] = [
    ['', 'failed to parse JSON'],
    ['{', 'failed to parse JSON'],
    ["{'http':{}}", 'failed to parse JSON'],
    ['null', 'the policy must be an object'],
    ['[]', 'the policy must be an object'],
    ['"http"', 'the policy must be an object'],
    ['{}', 'http is missing'],
    ['{"http":null}', 'http is missing'],
    ['{"http":[]}', 'http must be an object'],
    ['{"http":{},"https":{}}', 'the policy has the unknown key https'],
    ['{"http":{},"__proto__":{}}', 'the policy has the unknown key __proto__'],
    ['{"http":{"healthyRetryPolicy":{}}}', 'http has the unknown key healthyRetryPolicy'],
    ['{"http":{"healthyRetryPolicy":null}}', 'http has the unknown key healthyRetryPolicy'],
    ['{"http":{"disableSubscriptionOverrides":"false"}}', 'disableSubscriptionOverrides must be true or false'],
    ['{"http":{"defaultThrottlePolicy":5}}', 'defaultThrottlePolicy must be an object'],
    ['{"http":{"defaultThrottlePolicy":{"max":5}}}', 'defaultThrottlePolicy has the unknown key max'],
  ]
  for (const [sent, reason] of refused) {
    test(`refuses ${sent || 'an empty text'}`, () => assertRefused(() => parseTopicDeliveryPolicy(sent), reason))
  }

  test('repeats no more than 128 characters of an unknown key', () => {
    const sent = JSON.stringify({ ['k'.repeat(1000)]: 1 })
    assertRefused(() => parseTopicDeliveryPolicy(sent), `the policy has the unknown key ${'k'.repeat(128)}`)
  })

  test('answers a megabyte of brackets', () => {
    assertRefused(() => parseTopicDeliveryPolicy('['.repeat(1_000_000)), 'failed to parse JSON')
    const nested = `${'['.repeat(500_000)}${']'.repeat(500_000)}`
    assert.throws(() => parseTopicDeliveryPolicy(nested), InvalidParameterError)
  })
})

suite('parseSubscriptionDeliveryPolicy()', () => {
  const accepted: [what: string, sent: string, stored: string][] = [
    [
      'an empty one',
      '{}',
      '{"healthyRetryPolicy":null,"sicklyRetryPolicy":null,"throttlePolicy":null,"requestPolicy":null,"guaranteed":false}',
    ],
    [
      'one block',
      '{"requestPolicy":{"headerContentType":"text/csv"}}',
      '{"healthyRetryPolicy":null,"sicklyRetryPolicy":null,"throttlePolicy":null,"requestPolicy":{"headerContentType":"text/csv"},"guaranteed":false}',
    ],
    [
      'the relics',
      '{"guaranteed":true,"sicklyRetryPolicy":{"numRetries":1}}',
      '{"healthyRetryPolicy":null,"sicklyRetryPolicy":{"numRetries":1},"throttlePolicy":null,"requestPolicy":null,"guaranteed":true}',
    ],
    [
      'every block, in any order',
      '{"throttlePolicy":{"maxReceivesPerSecond":10},"guaranteed":false,"healthyRetryPolicy":{"backoffFunction":"geometric","maxDelayTarget":60}}',
      '{"healthyRetryPolicy":{"maxDelayTarget":60,"backoffFunction":"geometric"},"sicklyRetryPolicy":null,"throttlePolicy":{"maxReceivesPerSecond":10},"requestPolicy":null,"guaranteed":false}',
    ],
  ]
  for (const [what, sent, stored] of accepted) {
    test(`takes ${what}`, () => assert.equal(parseSubscriptionDeliveryPolicy(sent), stored))
  }

  test('gives back what it gave', () => {
    for (const [, , stored] of accepted) assert.equal(parseSubscriptionDeliveryPolicy(stored), stored)
  })

  const refused: [sent: object, reason: string][] = [
    [{ http: {} }, 'the policy has the unknown key http'],
    [{ guaranteed: 'yes' }, 'guaranteed must be true or false'],
    [{ sicklyRetryPolicy: { numRetries: 101 } }, 'numRetries must be an integer from 0 to 100'],
    [{ throttlePolicy: { maxReceivesPerSecond: 0 } }, 'maxReceivesPerSecond must be an integer of at least 1'],
    [{ throttlePolicy: { maxReceivesPerSecond: 1.5 } }, 'maxReceivesPerSecond must be an integer of at least 1'],
    [{ throttlePolicy: { maxReceivesPerSecond: '5' } }, 'maxReceivesPerSecond must be an integer of at least 1'],
    ...['text/PLAIN', 'text/plain; charset=utf-16', 'image/png', '', 5].map((headerContentType): [object, string] => [
      { requestPolicy: { headerContentType } },
      'headerContentType is not one of the content types that deliveries can have',
    ]),
  ]
  for (const [sent, reason] of refused) {
    test(`refuses ${JSON.stringify(sent)}`, () =>
      assertRefused(() => parseSubscriptionDeliveryPolicy(JSON.stringify(sent)), reason))
  }

  test('takes each of the content types', () => {
    const types =
      'application/json text/plain text/css text/csv text/html text/xml application/atom+xml application/octet-stream application/soap+xml application/x-www-form-urlencoded application/xhtml+xml application/xml'
    for (const headerContentType of types.split(' ')) {
      const sent = JSON.stringify({ requestPolicy: { headerContentType } })
      assert.equal(JSON.parse(parseSubscriptionDeliveryPolicy(sent)).requestPolicy.headerContentType, headerContentType)
    }
  })
})

suite('a retry policy', () => {
  const together = (phases: number, retries: number) =>
    `numNoDelayRetries, numMinDelayRetries and numMaxDelayRetries must not exceed numRetries together, current values are ${phases} and ${retries}`
  const refused: [retry: object, reason: string][] = [
    [{ minDelayTarget: 0 }, 'minDelayTarget must be an integer from 1 to 3600'],
    [{ minDelayTarget: 3601, maxDelayTarget: 3601 }, 'minDelayTarget must be an integer from 1 to 3600'],
    [{ maxDelayTarget: 3601 }, 'maxDelayTarget must be an integer from 1 to 3600'],
    [{ minDelayTarget: 21 }, 'minDelayTarget must not exceed maxDelayTarget, current values are 21 and 20'],
    [{ maxDelayTarget: 19 }, 'minDelayTarget must not exceed maxDelayTarget, current values are 20 and 19'],
    [{ numRetries: -1 }, 'numRetries must be an integer from 0 to 100'],
    [{ numRetries: 101 }, 'numRetries must be an integer from 0 to 100'],
    [{ numRetries: 2.5 }, 'numRetries must be an integer from 0 to 100'],
    [{ numRetries: '3' }, 'numRetries must be an integer from 0 to 100'],
    [{ numNoDelayRetries: -1 }, 'numNoDelayRetries must be an integer from 0 to 100'],
    [{ numMinDelayRetries: -1 }, 'numMinDelayRetries must be an integer from 0 to 100'],
    [{ numMaxDelayRetries: -1 }, 'numMaxDelayRetries must be an integer from 0 to 100'],
    [{ numNoDelayRetries: 2, numMaxDelayRetries: 2 }, together(4, 3)],
    [{ numMinDelayRetries: 4 }, together(4, 3)],
    [{ backoffFunction: 'quadratic' }, 'backoffFunction must be one of arithmetic, exponential, geometric, linear'],
    [{ backoffFunction: 1 }, 'backoffFunction must be one of arithmetic, exponential, geometric, linear'],
    [{ numTries: 1 }, 'healthyRetryPolicy has the unknown key numTries'],
    [
      { minDelayTarget: 37, maxDelayTarget: 37, numRetries: 98 },
      'all retries together must be due within 3600 seconds, current value is 3626',
    ],
    [
      { minDelayTarget: 1, maxDelayTarget: 1801, numRetries: 2, numMaxDelayRetries: 2 },
      'all retries together must be due within 3600 seconds, current value is 3602',
    ],
  ]
  for (const [retry, reason] of refused) {
    test(`${JSON.stringify(retry)} is refused`, () =>
      assertRefused(() => parseSubscriptionDeliveryPolicy(JSON.stringify({ healthyRetryPolicy: retry })), reason))
  }

  const accepted: object[] = [
    { numRetries: 0 },
    { numRetries: 100, numNoDelayRetries: 100 },
    { minDelayTarget: 36, maxDelayTarget: 36, numRetries: 100 },
    { minDelayTarget: 3600, maxDelayTarget: 3600, numRetries: 1 },
    { maxDelayTarget: 3600, numRetries: 1 },
    { numRetries: 3, numNoDelayRetries: 1, numMinDelayRetries: 1, numMaxDelayRetries: 1 },
    // The developer guide's illustration.
    {
      minDelayTarget: 1,
      maxDelayTarget: 60,
      numRetries: 50,
      numMaxDelayRetries: 35,
      numNoDelayRetries: 3,
      numMinDelayRetries: 2,
      backoffFunction: 'exponential',
    },
  ]
  for (const retry of accepted) {
    test(`${JSON.stringify(retry)} is taken as it is`, () => {
      const stored = JSON.parse(parseSubscriptionDeliveryPolicy(JSON.stringify({ healthyRetryPolicy: retry })))
      assert.deepEqual(stored.healthyRetryPolicy, retry)
    })
  }

  test('of any numbers is refused, or never keeps a delivery waiting for more than an hour', () => {
    const small = fc.integer({ min: -1, max: 12 })
    const delay = fc.oneof(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 1, max: 3601 }))
    const policies = fc.record(
      {
        minDelayTarget: delay,
        maxDelayTarget: delay,
        numRetries: fc.integer({ min: -1, max: 101 }),
        numNoDelayRetries: small,
        numMinDelayRetries: small,
        numMaxDelayRetries: small,
        backoffFunction: fc.constantFrom('linear', 'arithmetic', 'geometric', 'exponential', 'none'),
      },
      { requiredKeys: [], noNullPrototype: true },
    )
    let taken = 0
    fc.assert(
      fc.property(policies, (sent) => {
        const stored = accept(() => parseSubscriptionDeliveryPolicy(JSON.stringify({ healthyRetryPolicy: sent })))
        if (stored === undefined) return
        taken++
        assert.deepEqual(JSON.parse(stored).healthyRetryPolicy, sent)
        const { retry } = effectiveDelivery(undefined, stored, { raw: false })
        assertWithinBounds(retry)
      }),
      { numRuns: 500 },
    )
    assert.ok(taken > 20, `${taken} were taken`)
  })

  test('of any document at all is refused with an InvalidParameter or stored in a form that reads back', () => {
    const text = fc.oneof(fc.json(), fc.string(), fc.constantFrom('{"http":{}}', '{"healthyRetryPolicy":{}}'))
    fc.assert(
      fc.property(text, (sent) => {
        for (const parse of [parseTopicDeliveryPolicy, parseSubscriptionDeliveryPolicy]) {
          const stored = accept(() => parse(sent))
          if (stored !== undefined) assert.equal(parse(stored), stored)
        }
      }),
    )
  })
})

function assertWithinBounds(retry: RetryPolicy): void {
  const delays = retryDelays(retry)
  assert.equal(delays.length, retry.numRetries)
  assert.ok(delays.reduce((sum, one) => sum + one, 0) <= 3600 + 1e-6)
}

/** What it gives; undefined when refused. Nothing else may be thrown. */
function accept(parse: () => string): string | undefined {
  try {
    return parse()
  } catch (error) {
    assert.ok(error instanceof InvalidParameterError, String(error))
    return undefined
  }
}

function assertRefused(parse: () => string, reason: string): void {
  assert.throws(parse, { code: 'INVALID_PARAMETER', message: `Invalid parameter: DeliveryPolicy: ${reason}` })
}
