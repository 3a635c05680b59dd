import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { KMSServiceException } from '@aws-sdk/client-kms'
import { createFakeClock } from '#shared/clock'
import { errorOf } from './error-of.ts'
import {
  KmsAccessDeniedError,
  KmsCredentialsError,
  KmsDisabledError,
  KmsIntegrityError,
  KmsKeyUnavailableError,
  KmsRoleDeniedError,
  KmsRoleUnavailableError,
  KmsThrottlingError,
  KmsUnavailableError,
  StsUnavailableError,
} from './errors.ts'
import { type BreakerEvent, guardKms } from './guard-kms.ts'

const down = () => new KmsUnavailableError('KMS did not answer: ECONNREFUSED')
const THRESHOLD = 5

suite('guardKms()', () => {
  test('asks KMS no more after five failures in a row, and fails with what was met', async () => {
    const { kms, call, fail } = setup()
    await fail(THRESHOLD, down())
    kms.outcome = undefined
    await assert.rejects(call(), { code: 'KMS_UNAVAILABLE', message: 'KMS did not answer: ECONNREFUSED' })
    assert.equal(kms.asked, THRESHOLD)
  })

  test('lets exactly one of many probe when the pause is over, and all when it succeeded', async () => {
    const { kms, call, clock, fail } = setup()
    await fail(THRESHOLD, down())
    clock.advance(500)
    const answer = Promise.withResolvers<void>()
    kms.outcome = answer.promise
    const calls = Array.from({ length: 20 }, () =>
      call().then(
        () => 'ok',
        () => 'refused',
      ),
    )
    assert.equal(kms.asked, THRESHOLD + 1)
    answer.resolve()
    const outcomes = await Promise.all(calls)
    assert.equal(outcomes.filter((outcome) => outcome === 'ok').length, 1)
    kms.outcome = undefined
    await Promise.all(Array.from({ length: 20 }, () => call()))
    assert.equal(kms.asked, THRESHOLD + 21)
  })

  test('finds KMS within two seconds and a half of its return, however long it was down', async () => {
    const { kms, call, clock, fail } = setup()
    await fail(THRESHOLD, down())
    for (let n = 0; n < 200; n++) {
      clock.advance(100)
      await assert.rejects(call())
    }
    assert.ok(kms.asked < THRESHOLD + 14, `${kms.asked} requests in 20 s`)
    kms.outcome = undefined
    const back = clock.now()
    while (
      await call().then(
        () => false,
        () => true,
      )
    )
      clock.advance(100)
    assert.ok(clock.now() - back <= 2_500)
  })

  test('takes refusals for answers', async () => {
    const { kms, call } = setup()
    for (const error of [new KmsAccessDeniedError('no'), new KmsDisabledError('off'), new KmsIntegrityError('odd')]) {
      for (let n = 0; n < 2 * THRESHOLD; n++) {
        kms.outcome = Promise.reject(error)
        await assert.rejects(call(), error)
      }
    }
    assert.equal(kms.asked, 6 * THRESHOLD)
  })

  test('takes what is wrong with the broker itself for neither: who probed gives the place back', async () => {
    const { kms, call, clock, fail } = setup()
    await fail(2 * THRESHOLD, new KmsCredentialsError('expired'))
    await fail(THRESHOLD, down())
    clock.advance(500)
    await fail(3, new KmsCredentialsError('expired'))
    kms.outcome = undefined
    await call()
  })

  test('keeps a throttled account from delaying others, and its own calls by all keys', async () => {
    const { kms, call, fail } = setup()
    await fail(THRESHOLD, new KmsThrottlingError('slower'))
    kms.outcome = undefined
    await assert.rejects(call({ keyId: 'alias/other' }), { code: 'KMS_THROTTLING' })
    await call({ principal: 'arn:aws:iam::111111111111:user/b' })
    await call({ topicArn: 'arn:aws:sns:eu-west-1:000000000000:orders' })
  })

  test('keeps a key that is not available from delaying others', async () => {
    const { kms, call, decrypt, fail } = setup()
    await fail(THRESHOLD, new KmsKeyUnavailableError('not now'))
    kms.outcome = undefined
    await assert.rejects(call(), { code: 'KMS_UNAVAILABLE', message: 'not now' })
    await call({ keyId: 'alias/other' })
    await decrypt()
  })

  test('takes what is wrong with a role, or with STS, for neither', async () => {
    const { kms, call, clock, fail } = setup()
    const roleArn = 'arn:aws:iam::111111111111:role/kms'
    const failures = [new KmsRoleDeniedError('no'), new KmsRoleUnavailableError('odd'), new StsUnavailableError('down')]
    for (const failure of failures) await fail(2 * THRESHOLD, failure)
    await fail(THRESHOLD, down())
    clock.advance(500)
    for (const failure of failures) await fail(1, failure)
    kms.outcome = undefined
    await call({ roleArn })
  })

  test('counts throttling, and keys by their bare names, for the account of the role that asks', async () => {
    const { kms, call, fail } = setup()
    const roleArn = 'arn:aws:iam::111111111111:role/kms'
    await fail(THRESHOLD, new KmsThrottlingError('slower'), { roleArn })
    kms.outcome = undefined
    await assert.rejects(call({ roleArn, keyId: 'alias/other' }), { code: 'KMS_THROTTLING' })
    await call()
    const other = roleArn.replaceAll('1', '2')
    await fail(THRESHOLD, new KmsKeyUnavailableError('not now'), { roleArn: other })
    kms.outcome = undefined
    await assert.rejects(call({ roleArn: other }), { code: 'KMS_UNAVAILABLE' })
    await call()
  })

  test('keeps a key identifier that KMS calls malformed from delaying others: whoever owns a topic may give it any', async () => {
    const { kms, call, fail } = setup()
    const malformed = { name: 'InvalidArnException', message: 'Invalid arn', $fault: 'client' } as const
    await fail(THRESHOLD, errorOf(new KMSServiceException({ ...malformed, $metadata: { httpStatusCode: 400 } })))
    kms.outcome = undefined
    await assert.rejects(call(), { code: 'KMS_UNAVAILABLE' })
    await call({ keyId: 'alias/other' })
  })

  test('keeps an endpoint that is down from delaying other regions', async () => {
    const { kms, call, fail } = setup()
    await fail(THRESHOLD, down())
    kms.outcome = undefined
    await call({ topicArn: 'arn:aws:sns:eu-west-1:000000000000:orders' })
    await assert.rejects(call({ principal: 'arn:aws:iam::111111111111:user/b', keyId: 'alias/other' }))
  })

  test('lets probes of held keys through, and closes with what they find', async () => {
    const { kms, call, decrypt, fail, events } = setup()
    await fail(THRESHOLD, down())
    kms.outcome = Promise.reject(down())
    await assert.rejects(decrypt('probe'))
    assert.equal(kms.asked, THRESHOLD + 1)
    kms.outcome = undefined
    await decrypt('probe')
    await call()
    assert.deepEqual(events, ['endpoint us-east-1 open 1', 'endpoint us-east-1 closed 0'])
  })

  test('tells what opens, what closes and what it refused', async () => {
    const { kms, call, clock, fail, events, refused } = setup()
    await fail(THRESHOLD, down())
    await assert.rejects(call())
    clock.advance(500)
    kms.outcome = Promise.reject(down())
    await assert.rejects(call())
    clock.advance(1_000)
    kms.outcome = undefined
    await call()
    assert.deepEqual(events, ['endpoint us-east-1 open 1', 'endpoint us-east-1 closed 0'])
    assert.deepEqual(refused, [{ scope: 'endpoint', name: 'us-east-1' }])
  })
})

const CALL = {
  keyId: 'alias/a',
  topicArn: 'arn:aws:sns:us-east-1:000000000000:orders',
  principal: 'arn:aws:iam::000000000000:user/a',
  purpose: 'issue' as const,
}

/** A KMS whose next answers the test decides; the guard is the real one. */
function setup() {
  const clock = createFakeClock()
  const kms = { asked: 0, outcome: undefined as Promise<void> | undefined }
  const events: string[] = []
  const refused: BreakerEvent[] = []
  const answer = async () => {
    kms.asked++
    await kms.outcome
  }
  const guarded = guardKms(
    {
      async generateDataKey() {
        await answer()
        return { plaintext: Buffer.alloc(32), encryptedDataKey: Buffer.alloc(9), keyArn: 'arn:aws:kms:…:key/k' }
      },
      async decrypt() {
        await answer()
        return Buffer.alloc(32)
      },
    },
    {
      clock,
      observer: {
        onChange: ({ scope, name, state, open }) => events.push(`${scope} ${name} ${state} ${open}`),
        onRefused: (event) => refused.push(event),
      },
    },
  )
  const call = (other: Partial<typeof CALL> & { roleArn?: string } = {}) =>
    guarded.generateDataKey({ ...CALL, ...other })
  const decrypt = (purpose: 'deliver' | 'probe' = 'deliver') => {
    const { topicArn, principal } = CALL
    const keyArn = 'arn:aws:kms:us-east-1:000000000000:key/other'
    return guarded.decrypt({ encryptedDataKey: Buffer.alloc(9), keyArn, topicArn, principal, purpose })
  }
  return {
    clock,
    kms,
    events,
    refused,
    call,
    decrypt,
    async fail(times: number, error: Error, other: Parameters<typeof call>[0] = {}) {
      for (let n = 0; n < times; n++) {
        kms.outcome = Promise.reject(error)
        await assert.rejects(call(other), error)
      }
    },
  }
}
