import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { exactSince } from '#shared/kms-ledger'
import { describeUsage } from './describe-usage.ts'
import { GROUPINGS, type Grouping, sumUsage, type TopicPage } from './sum-usage.ts'

const HOUR = 3_600_000
const reuseMs = 300_000
const start = Date.UTC(2026, 10, 1)
const [a, b] = ['a', 'b'].map((id) => `arn:aws:kms:us-east-1:000000000000:key/${id}`) as [string, string]
const [orders, bills] = ['orders', 'bills'].map((name) => `arn:aws:sns:us-east-1:000000000000:${name}`) as [
  string,
  string,
]
const [alice, bob] = ['alice', 'bob'].map((name) => `arn:aws:iam::000000000000:user/${name}`) as [string, string]

suite('sumUsage()', () => {
  test('gives each group its exact counts, share, prediction and ratio', () => {
    const steady = [
      page(orders, [steadyPair(alice, a, 24)]),
      page(bills, [steadyPair(alice, a, 24), steadyPair(bob, b, 12)]),
    ]
    assert.deepEqual(shortly(sum(steady, 'topic')), [
      [bills, 864, 0.6, 864, 1],
      [orders, 576, 0.4, 576, 1],
    ])
    assert.deepEqual(shortly(sum(steady, 'publisher')), [
      [alice, 1152, 0.8, 1152, 1],
      [bob, 288, 0.2, 288, 1],
    ])
    assert.deepEqual(shortly(sum(steady, 'key')), [
      [a, 1152, 0.8, 1152, 1],
      [b, 288, 0.2, 288, 1],
    ])
    assert.deepEqual(shortly(sum(steady, 'purpose')), [
      ['deliver', 720, 0.5, 720, 1],
      ['issue', 720, 0.5, 720, 1],
    ])
  })

  test('expects of a span what its own periods are, from any hour on', () => {
    const pages = [page(orders, [steadyPair(alice, a, 24)])]
    for (const hours of [0, 5, 23]) {
      const { total } = sum(pages, 'topic', start + hours * HOUR)
      assert.deepEqual([total.calls, total.predicted, total.ratio], [(24 - hours) * 24, (24 - hours) * 24, 1])
    }
    const { rows, total } = sum(pages, 'topic', start + 24 * HOUR)
    assert.deepEqual([rows, total.calls, total.predicted, total.ratio], [[], 0, 0, undefined])
  })

  test('has no prediction for purposes beside the formula, and takes a change of keys for what it is', () => {
    const first = steadyPair(alice, a, 1)
    const second = steadyPair(alice, b, 1, start + HOUR / 2)
    const probe = { ...count(alice, a), operation: 'Decrypt', purpose: 'probe', isOk: false, count: 4 }
    const pages = [page(orders, [first, second, { counts: [probe], issues: [] }])]
    const byPurpose = sum(pages, 'purpose').rows.find(({ name }) => name === 'probe')
    assert.deepEqual([byPurpose?.failed, byPurpose?.predicted, byPurpose?.ratio], [4, undefined, undefined])
    for (const by of GROUPINGS) assert.equal(sum(pages, by).total.predicted, 2 * 18, by)
  })

  test('gives free requests to those that came first in the month', () => {
    const busy = (from: number) => ({
      counts: [{ ...count(alice, a), from, until: from + HOUR, count: 15_000 }],
      issues: [],
    })
    const pages = [page(orders, [busy(start), busy(start + HOUR)])]
    assert.equal(sum(pages, 'topic').cost.freeRequests, 20_000)
    const { cost } = sum(pages, 'topic', start + HOUR)
    assert.deepEqual([cost.freeRequests, cost.usdAtListPrice, cost.usd], [5_000, 0.045, 0.03])
  })
})

suite('describeUsage()', () => {
  test('shows a table that adds up, and says how the span was settled', () => {
    const pages = [
      page(orders, [steadyPair(alice, a, 24), { counts: [{ ...count(bob, 'alias/none'), isOk: false }], issues: [] }]),
    ]
    const asked = start + 13 * HOUR + 20 * 60_000
    const since = exactSince(
      pages.flatMap(({ counts }) => counts),
      asked,
    )
    const text = describeUsage(sum(pages, 'key', since), { by: 'key', asked, since, now: start + 30 * HOUR, reuseMs })
    assert.equal(
      text,
      `key                                       calls    share  generate  decrypt  other  failed  2 × periods  ratio  list price
arn:aws:kms:us-east-1:000000000000:key/a    264  100.0 %       132      132      0       0          264   1.00   $0.000792
all since 2026-11-01 13:00 UTC              264  100.0 %       132      132      0       0          264   1.00   $0.000792

Asked since 2026-11-01 13:20 UTC; counted since 2026-11-01 13:00 UTC, the nearest moment before it from which the ledger counts exactly: it knows hours of the last days, days before that.
2 × periods: what one gateway makes steady publishers cost at a reuse period of 300 s; g gateways (g + 1) / 2 times that.
Cost as AWS KMS charges it (prices of 2026-09): $0.000792 at list price. Of an account's 20,000 free requests a month 264 fall on these, which leaves $0.00. The local KMS costs nothing.
`,
    )
  })

  test('says so where what an older release counted is known by the month alone', () => {
    const asked = start + 13 * 24 * HOUR
    const text = describeUsage(sum([], 'topic'), { by: 'topic', asked, since: start, now: asked + HOUR, reuseMs })
    assert.match(
      text,
      /it knows hours of the last days, days before that, and of what an older release counted the month\.\n/,
    )
  })

  test('says that there is nothing, and what the ledger cannot have', () => {
    const asked = Date.UTC(2026, 5, 1)
    const text = describeUsage(sum([], 'topic', asked), { by: 'topic', asked, since: asked, now: start, reuseMs })
    assert.equal(
      text,
      'No KMS requests since 2026-06-01 00:00 UTC.\nThe ledger keeps this month and the one before: of what was before 2026-10-01 00:00 UTC parts may be gone.\n',
    )
  })
})

function sum(pages: readonly TopicPage[], by: Grouping, since = start) {
  return sumUsage(pages, { by, since, reuseMs })
}

function shortly({ rows }: ReturnType<typeof sumUsage>) {
  return rows.map(({ name, calls, share, predicted, ratio }) => [name, calls, share, predicted, ratio])
}

type Part = Pick<TopicPage, 'counts' | 'issues'>

function page(topicArn: string, parts: readonly Part[]): TopicPage {
  const [counts, issues] = [parts.flatMap((part) => part.counts), parts.flatMap((part) => part.issues)]
  return { topicArn, month: '2026-11', counts, issues }
}

function count(principal: string, key: string): TopicPage['counts'][number] {
  return {
    principal,
    key,
    operation: 'GenerateDataKey',
    purpose: 'issue',
    isOk: true,
    from: start,
    until: start + HOUR,
    count: 1,
  }
}

/** A data key every five minutes, opened once, the first half a minute past the hour. */
function steadyPair(principal: string, key: string, hours: number, from = start): Part {
  const counts = Array.from({ length: hours }, (_, n) => {
    const hour = from - (from % HOUR) + n * HOUR
    const issue = { ...count(principal, key), from: hour, until: hour + HOUR, count: 12 }
    return [issue, { ...issue, operation: 'Decrypt', purpose: 'deliver' }]
  })
  const first = from + 30_000
  return { counts: counts.flat(), issues: [{ principal, key, first, last: first + (12 * hours - 1) * reuseMs }] }
}
