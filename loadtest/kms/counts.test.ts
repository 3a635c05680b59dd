import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { byPurpose, compareCounts, countGroups, countPages, groupRequests, sumLedger } from './counts.ts'

const gateway = `# TYPE sealcast_kms_requests_total counter
sealcast_kms_requests_total{service="gateway",operation="GenerateDataKey",outcome="ok",purpose="issue",key="arn:aws:kms:r:0:key/a"} 7
sealcast_kms_requests_total{service="gateway",operation="GenerateDataKey",outcome="KMS_THROTTLING",purpose="issue",key="arn:aws:kms:r:0:key/a"} 2
sealcast_kms_requests_total{service="gateway",operation="Decrypt",outcome="ok",purpose="share",key="odd \\"}{\\" name"} 3
sealcast_kms_requests_total{service="gateway",operation="DescribeKey",outcome="ok",purpose="describe",key="a"} 9
sealcast_kms_ledger_lost_total 4
`
const worker = `sealcast_kms_requests_total{operation="Decrypt",outcome="ok",purpose="deliver"} 10
sealcast_kms_requests_total{operation="Decrypt",outcome="ok",purpose="reopen"} 1
`
const kms = `sealcast_kms_served_requests_total{operation="GenerateDataKey",outcome="ok"} 7
sealcast_kms_served_requests_total{operation="GenerateDataKey",outcome="ThrottlingException"} 2
sealcast_kms_served_requests_total{operation="Decrypt",outcome="ok"} 14
sealcast_kms_served_requests_total{operation="CreateKey",outcome="ok"} 1
`

suite('countPages()', () => {
  test('counts both operations, failures too, whatever else the series are labelled with', () => {
    assert.deepEqual(countPages([gateway, worker], kms), {
      served: { GenerateDataKey: 9, Decrypt: 14 },
      made: { GenerateDataKey: 9, Decrypt: 14 },
      lost: 4,
    })
    assert.equal(countPages([gateway], undefined).served, undefined)
  })

  test('groups requests by purpose and outcome, over all keys and pages, what went well first', () => {
    const groups = groupRequests([gateway, worker, worker])
    assert.deepEqual(
      groups.map(({ operation, purpose, outcome, count }) => `${operation} ${purpose} ${outcome} ${count}`),
      [
        'GenerateDataKey issue ok 7',
        'Decrypt deliver ok 20',
        'Decrypt reopen ok 2',
        'Decrypt share ok 3',
        'GenerateDataKey issue KMS_THROTTLING 2',
      ],
    )
    assert.equal(countGroups(groups, { purpose: 'issue' }), 9)
    assert.equal(countGroups(groups, { outcome: 'ok' }), 32)
  })
})

suite('the ledger', () => {
  test('is summed up by operation and by purpose', () => {
    const pair = { topicArn: 't', principal: 'p', keys: 2, failed: 1 }
    const pairs = [
      { ...pair, generate: 3, byPurpose: { share: 2, deliver: 2 }, total: 7 },
      { ...pair, generate: 1, byPurpose: { deliver: 1 }, total: 2 },
    ]
    assert.deepEqual(sumLedger(pairs), { GenerateDataKey: 4, Decrypt: 5 })
    assert.deepEqual(
      [...byPurpose(pairs)],
      [
        ['issue', 4],
        ['share', 2],
        ['deliver', 3],
      ],
    )
  })
})

suite('compareCounts()', () => {
  const of = (total: number) => ({ GenerateDataKey: total, Decrypt: 0 })
  const compare = (served: number | undefined, made: number, ledger: number, lost = 0, faulty = false) => {
    const counts = { served: served === undefined ? undefined : of(served), made: of(made), ledger: of(ledger) }
    const { explained, problems } = compareCounts({ ...counts, lost, faulty })
    return `${explained.length} explained, ${problems.length} problems`
  }

  test('has no problem with three equal counts, or with two where no KMS tells', () => {
    assert.equal(compare(5, 5, 5), '1 explained, 0 problems')
    assert.equal(compare(undefined, 5, 5), '1 explained, 0 problems')
  })

  test('takes more at the KMS for explained only when it was told to misbehave', () => {
    assert.equal(compare(6, 5, 5, 0, true), '1 explained, 0 problems')
    assert.equal(compare(6, 5, 5), '0 explained, 1 problems')
  })

  test('takes a shorter ledger for explained by what its writers say they lost, and no further', () => {
    assert.equal(compare(6, 6, 4, 2), '1 explained, 0 problems')
    assert.equal(compare(6, 6, 4, 1), '0 explained, 1 problems')
  })

  test('never accepts more in the ledger than was made, or more made than the KMS answered', () => {
    assert.equal(compare(5, 5, 6, 0, true), '0 explained, 1 problems')
    assert.equal(compare(4, 5, 5, 0, true), '0 explained, 1 problems')
  })

  test('does not take counts for equal that differ by operation', () => {
    const [made, other] = [
      { GenerateDataKey: 4, Decrypt: 6 },
      { GenerateDataKey: 5, Decrypt: 5 },
    ]
    for (const counts of [
      { served: other, made, ledger: made },
      { served: made, made, ledger: other },
      { served: undefined, made, ledger: other },
    ]) {
      const { explained, problems } = compareCounts({ ...counts, lost: 0, faulty: true })
      assert.deepEqual([explained.length, problems.length], [0, 1])
    }
  })
})
