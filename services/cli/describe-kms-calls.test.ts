import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { PairUsage } from '#shared/kms-ledger'
import { describeKmsCalls } from './describe-kms-calls.ts'

suite('describeKmsCalls()', () => {
  test('shows a line for each publisher and the sum, columns under each other', () => {
    const table = describeKmsCalls(
      [
        usage('alice', { deliver: 8928 }, { generate: 8928, predicted: 17_856 }),
        usage('bob', { deliver: 2, share: 1, reopen: 1, probe: 4 }, { generate: 1, predicted: 2 }),
      ],
      { month: '2026-01' },
    )
    assert.equal(
      table,
      [
        'topic                                      publisher                             generate  keys  deliver  share  reopen  other  failed  total  2 × periods  ratio',
        'arn:aws:sns:us-east-1:000000000000:orders  arn:aws:iam::000000000000:user/alice      8928  8928     8928      0       0      0       0  17856        17856   1.00',
        'arn:aws:sns:us-east-1:000000000000:orders  arn:aws:iam::000000000000:user/bob           1     1        2      1       1      4       0      9            2   4.50',
        'all in 2026-01                                                                       8929  8929     8930      1       1      4       0  17865        17858   1.00',
        '',
      ].join('\n'),
    )
  })

  test('shows no ratio where nothing was to be expected', () => {
    const table = describeKmsCalls([usage('alice', {}, { generate: 1, predicted: 0 })], { month: '2026-01' })
    assert.match(table, / –\nall in 2026-01 .* –\n$/)
  })

  test('says that there is nothing', () => {
    assert.equal(describeKmsCalls([], { month: '2026-01' }), 'No KMS requests in 2026-01.\n')
  })
})

function usage(
  name: string,
  byPurpose: Record<string, number>,
  { generate, predicted }: { generate: number; predicted: number },
): PairUsage & { topicArn: string } {
  const total = generate + Object.values(byPurpose).reduce((sum, count) => sum + count, 0)
  return {
    topicArn: 'arn:aws:sns:us-east-1:000000000000:orders',
    principal: `arn:aws:iam::000000000000:user/${name}`,
    keys: generate,
    generate,
    byPurpose,
    failed: 0,
    total,
    periods: predicted / 2,
    predicted,
    ratio: predicted === 0 ? undefined : total / predicted,
  }
}
