import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { describeKeys, describeRewrap, formatAge } from './describe-keys.ts'
import { judgeKey } from './judge-key.ts'
import type { KeyUsage, KeyUsageReport } from './key-usage.ts'

const now = 1_000_000_000
const nothing = { undelivered: 0, retrying: 0, backlogged: 0, held: 0, quarantined: 0 }

suite('describeKeys()', () => {
  test('shows a line for each key, columns under each other, and below it what stands against disabling it', () => {
    const keys: KeyUsage[] = [
      {
        keyArn: 'arn:aws:kms:us-east-1:000000000000:key/a',
        messages: { ...nothing, undelivered: 12, retrying: 1, quarantined: 1 },
        dataKeys: 3,
        oldestAcceptedAt: now - 7_260_000,
        topics: ['t1', 't2', 't3', 't4', 't5'],
        sealsUntil: now + 90_000,
        rewrapped: 0,
      },
      {
        keyArn: 'arn:aws:kms:us-east-1:000000000000:key/old',
        messages: nothing,
        dataKeys: 0,
        oldestAcceptedAt: undefined,
        topics: [],
        sealsUntil: undefined,
        rewrapped: 2,
      },
    ]
    assert.equal(
      describe({ keys }),
      [
        'key                                         undelivered  retrying  backlogged  held  quarantined  data keys  oldest  disable?',
        'arn:aws:kms:us-east-1:000000000000:key/a             12         1           0     0            1          3   2h 1m        no',
        '  13 messages need it to be delivered: rewrap them, or wait',
        '  configured on t1, t2, t3 and 2 more topics: their next publish would be refused',
        '  gateways may seal under it for another 1m 30s',
        '  1 quarantined messages could not be examined without it',
        'arn:aws:kms:us-east-1:000000000000:key/old            0         0           0     0            0          0       –      safe',
        '  2 data keys that name it stand under another key now',
        '',
      ].join('\n'),
    )
  })

  test('says that there is nothing, and what names no key', () => {
    assert.equal(describe({}), 'No KMS key is needed by anything.\n')
    assert.match(
      describe({ untrusted: { ...nothing, undelivered: 1, quarantined: 2 } }),
      /\n3 messages do not verify \(1 undelivered, 2 quarantined\): /,
    )
    const unresolved = [{ topicArn: 't', keyId: 'alias/a', reason: 'KMS_UNAVAILABLE' }]
    assert.match(describe({ unresolved }), /\nKMS did not say which key alias\/a of t stands for: KMS_UNAVAILABLE\.\n/)
  })

  test('shows an identifier that a topic was given without what a terminal would act on', () => {
    const unresolved = [{ topicArn: 't', keyId: 'alias/\x1b[2J\x9b1m\r\nsafe é', reason: 'KMS_ACCESS_DENIED' }]
    assert.match(describe({ unresolved }), /which key alias\/\?\[2J\?1m\?\?safe \? of t stands/)
  })

  function describe(some: Partial<KeyUsageReport>): string {
    const report = { keys: [], unresolved: [], untrusted: nothing, ...some }
    return describeKeys(report, { now, objectionsTo: (usage) => judgeKey(usage, { ...report, now }) })
  }
})

suite('formatAge()', () => {
  for (const [ms, text] of [
    [-1, '0s'],
    [499, '0s'],
    [59_000, '59s'],
    [60_000, '1m'],
    [3_600_000, '1h'],
    [3_601_000, '1h'],
    [90_061_000, '1d 1h'],
  ] as const) {
    test(`shows ${ms} ms as ${text}`, () => assert.equal(formatAge(ms), text))
  }
})

suite('describeRewrap()', () => {
  test('tells what was done and what was not', () => {
    assert.equal(
      describeRewrap({ found: 3, rewrapped: 3, failed: new Map() }, 'b'),
      '3 of 3 data keys rewrapped: they stand under b now.\n',
    )
    assert.equal(
      describeRewrap({ found: 3, rewrapped: 1, failed: new Map([['KMS_INTEGRITY', 2]]) }, 'b'),
      '1 of 3 data keys rewrapped: they stand under b now.\n2 could not be: KMS_INTEGRITY (2).\n',
    )
  })
})
