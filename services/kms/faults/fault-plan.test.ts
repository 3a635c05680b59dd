import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { parseFaultPlan } from './fault-plan.ts'
import { INJECTABLE_ERRORS, injectedResponseOf } from './injectable-errors.ts'

suite('parseFaultPlan()', () => {
  test('takes an empty plan and every kind of fault', () => {
    assert.deepEqual(parseFaultPlan('{}'), { throttling: [], faults: [] })
    const narrow = { operations: ['Decrypt', 'ReEncrypt'], requests: 3, forMs: 10, probability: 0.5 }
    const plan = {
      throttling: [{ ratePerSecond: 0 }, { ratePerSecond: 2.5, burst: 9, quota: 'CreateKey', account: '000000000000' }],
      faults: [
        { kind: 'latency', ms: 5 },
        { kind: 'latency', ms: { minMs: 1, maxMs: 2 } },
        { kind: 'latency', ms: { medianMs: 1, p99Ms: 2 }, ...narrow },
        { kind: 'error', name: 'OptInRequired' },
        { kind: 'error', name: 'ThrottlingException', message: null },
        { kind: 'reset', keyArn: 'arn:aws:kms:us-east-1:000000000000:key/x' },
        { kind: 'hang', caller: 'arn:aws:iam::000000000000:user/a' },
      ],
    }
    assert.deepEqual(parseFaultPlan(JSON.stringify(plan)), plan)
  })

  for (const [what, plan] of Object.entries({
    'an unknown member': { fault: [] },
    'an unknown kind': { faults: [{ kind: 'explode' }] },
    'an unknown member of a fault': { faults: [{ kind: 'reset', request: 1 }] },
    'an error KMS does not have': { faults: [{ kind: 'error', name: 'Teapot' }] },
    'an error without a name': { faults: [{ kind: 'error' }] },
    'an unknown operation': { faults: [{ kind: 'hang', operations: ['GenerateDatakey'] }] },
    'no operation': { faults: [{ kind: 'hang', operations: [] }] },
    'an alias for a key': { faults: [{ kind: 'hang', keyArn: 'alias/x' }] },
    'a count of none': { faults: [{ kind: 'hang', requests: 0 }] },
    'half a request': { faults: [{ kind: 'hang', requests: 0.5 }] },
    'a probability over one': { faults: [{ kind: 'hang', probability: 2 }] },
    'more than a day': { faults: [{ kind: 'hang', forMs: 86_400_001 }] },
    'a delay of an hour': { faults: [{ kind: 'latency', ms: 3_600_000 }] },
    'a range upside down': { faults: [{ kind: 'latency', ms: { minMs: 2, maxMs: 1 } }] },
    'a rate below zero': { throttling: [{ ratePerSecond: -1 }] },
    'a quota by the name of an operation that shares one': { throttling: [{ ratePerSecond: 1, quota: 'Decrypt' }] },
    'too many rules': { faults: Array.from({ length: 65 }, () => ({ kind: 'reset' })) },
  })) {
    test(`refuses ${what}`, () => {
      assert.throws(() => parseFaultPlan(JSON.stringify(plan)), { code: 'DOCUMENT_INVALID' })
    })
  }

  test('refuses whatever is no plan, and throws nothing else', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        try {
          parseFaultPlan(text)
        } catch (error) {
          assert.equal(Object(error).code, 'DOCUMENT_INVALID')
        }
      }),
    )
  })
})

suite('injectedResponseOf()', () => {
  const subject = { operation: 'Decrypt', caller: 'arn:aws:iam::000000000000:user/a', keyArn: undefined }

  test('gives 500 to the three server faults of KMS alone', () => {
    const status500 = INJECTABLE_ERRORS.filter((name) => injectedResponseOf(name, subject).status === 500)
    assert.deepEqual(status500, ['DependencyTimeoutException', 'KeyUnavailableException', 'KMSInternalException'])
    assert.equal(injectedResponseOf('OptInRequired', subject).status, 403)
    assert.equal(injectedResponseOf('ServiceUnavailable', subject).status, 503)
  })

  test('gives the text of the plan, none for null, KMS’s own otherwise', () => {
    const bodyOf = (message?: string | null) => injectedResponseOf('ThrottlingException', subject, message).body
    assert.deepEqual(bodyOf('slow'), { __type: 'ThrottlingException', message: 'slow' })
    assert.deepEqual(bodyOf(null), { __type: 'ThrottlingException' })
    assert.deepEqual(bodyOf(), {
      __type: 'ThrottlingException',
      message: 'You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.',
    })
    assert.ok('Message' in injectedResponseOf('AccessDeniedException', subject).body)
  })
})
