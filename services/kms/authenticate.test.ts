import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createFakeClock } from '#shared/clock'
import { BrokerError } from '#shared/errors'
import { signRequest } from '#shared/sigv4'
import { createTestPrincipal } from '#shared/test-principals'
import { createAuthenticate, ON_BEHALF_OF_HEADER } from './authenticate.ts'
import { authorizeKey, authorizeOperation } from './authorize.ts'
import { createGrantIndex } from './grants/grant-index.ts'

const USER = { accessKeyId: 'AKIAUSER000000000000', secretAccessKey: 'user-secret-user-secret' }
const BROKER = { accessKeyId: 'SCBRBROKER0000000000', secretAccessKey: 'broker-secret-broker-secret' }
const USER_ARN = 'arn:aws:iam::111122223333:user/ada'
const PUBLISHER_ARN = 'arn:aws:iam::444455556666:user/team/bob'

suite('authenticate()', () => {
  test('knows a user by signature, with account and region', () => {
    assert.deepEqual(setup().authenticate({ as: USER, region: 'eu-west-1' }), {
      kind: 'user',
      arn: USER_ARN,
      account: '111122223333',
      accessKeyId: USER.accessKeyId,
      region: 'eu-west-1',
      onBehalfOf: undefined,
    })
  })

  test('lets the broker speak for a publisher', () => {
    const identity = setup().authenticate({ as: BROKER, headers: { [ON_BEHALF_OF_HEADER]: PUBLISHER_ARN } })
    assert.equal(identity.kind, 'broker')
    assert.equal(identity.arn, 'arn:aws:iam::000000000000:role/sealcast-broker')
    assert.deepEqual(identity.onBehalfOf, { arn: PUBLISHER_ARN, account: '444455556666' })
  })

  test('refuses the on-behalf-of header from anybody but the broker', () => {
    refuses('ACCESS_DENIED', { as: USER, headers: { [ON_BEHALF_OF_HEADER]: PUBLISHER_ARN } })
    refuses('ACCESS_DENIED', { as: USER, headers: { [ON_BEHALF_OF_HEADER]: USER_ARN } })
  })

  test('refuses the on-behalf-of header when it was added after signing', () => {
    refuses('ACCESS_DENIED', { as: BROKER, added: { [ON_BEHALF_OF_HEADER]: PUBLISHER_ARN } })
  })

  test('refuses an on-behalf-of header changed after signing', () => {
    refuses('SIGNATURE_DOES_NOT_MATCH', {
      as: BROKER,
      headers: { [ON_BEHALF_OF_HEADER]: PUBLISHER_ARN },
      added: { [ON_BEHALF_OF_HEADER]: USER_ARN },
    })
  })

  for (const arn of [
    '',
    'ada',
    'arn:aws:iam::1:user/x',
    `${USER_ARN}, ${PUBLISHER_ARN}`,
    'arn:aws:sts::111122223333:x/y',
  ]) {
    test(`refuses to act for what is no principal: '${arn}'`, () => {
      refuses('VALIDATION', { as: BROKER, headers: { [ON_BEHALF_OF_HEADER]: arn } })
    })
  }

  test('refuses an unsigned request', () => {
    refuses('MISSING_AUTHENTICATION_TOKEN', {})
  })

  test('refuses a presigned query', () => {
    const query =
      'X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAUSER000000000000%2F20260101%2Fus-east-1%2Fkms%2Faws4_request&X-Amz-Date=20260101T000000Z&X-Amz-SignedHeaders=host&X-Amz-Signature=00'
    refuses('MISSING_AUTHENTICATION_TOKEN', { query })
  })

  test('refuses an unknown access key, and a session token', () => {
    refuses('UNRECOGNIZED_CLIENT', { as: { ...USER, accessKeyId: 'AKIANOBODY0000000000' } })
    refuses('UNRECOGNIZED_CLIENT', { as: { ...USER, sessionToken: 'token' } })
  })

  test('refuses a wrong secret, another body, an old date and another service', () => {
    refuses('SIGNATURE_DOES_NOT_MATCH', { as: { ...USER, secretAccessKey: 'another-secret-another' } })
    refuses('SIGNATURE_DOES_NOT_MATCH', { as: USER, sentBody: '{"a":1}' })
    refuses('SIGNATURE_DOES_NOT_MATCH', { as: USER, ageMs: 16 * 60_000 })
    refuses('SIGNATURE_DOES_NOT_MATCH', { as: USER, service: 'sns' })
  })
})

suite('authorizeOperation()', () => {
  test('gives a user the own account and region', () => {
    const identity = setup().authenticate({ as: USER })
    assert.deepEqual(authorizeOperation(identity, 'CreateKey'), {
      arn: USER_ARN,
      account: '111122223333',
      region: 'us-east-1',
      viaService: false,
    })
  })

  test('lets the broker ask for data keys, ReEncrypt and DescribeKey in the name of a publisher, and for nothing else', () => {
    const broker = setup().authenticate({ as: BROKER, headers: { [ON_BEHALF_OF_HEADER]: PUBLISHER_ARN } })
    for (const operation of ['GenerateDataKey', 'Decrypt', 'ReEncrypt', 'DescribeKey']) {
      const { arn, viaService } = authorizeOperation(broker, operation)
      assert.deepEqual([arn, viaService], [PUBLISHER_ARN, true])
    }
    for (const operation of ['CreateKey', 'ListKeys', 'DisableKey', 'EnableKey', 'CreateAlias', 'Encrypt']) {
      denies(() => authorizeOperation(broker, operation))
    }
  })

  test('lets the broker do nothing for itself but ReEncrypt, in the own account', () => {
    const broker = setup().authenticate({ as: BROKER })
    for (const operation of ['GenerateDataKey', 'Decrypt', 'Encrypt', 'ListKeys']) {
      denies(() => authorizeOperation(broker, operation))
    }
    assert.deepEqual(authorizeOperation(broker, 'ReEncrypt'), {
      arn: 'arn:aws:iam::000000000000:role/sealcast-broker',
      account: '000000000000',
      region: 'us-east-1',
      viaService: false,
    })
  })
})

suite('authorizeKey()', () => {
  test('allows the account of the key and nobody else', () => {
    const caller = authorizeOperation(setup().authenticate({ as: USER }), 'Decrypt')
    const arn = 'arn:aws:kms:us-east-1:111122223333:key/x'
    const keyStore = { grants: createGrantIndex() }
    authorizeKey({ caller, keyStore }, { account: '111122223333', arn }, { permission: 'Decrypt' })
    denies(() => authorizeKey({ caller, keyStore }, { account: '444455556666', arn }, { permission: 'Decrypt' }))
  })
})

interface Sent {
  as?: { accessKeyId: string; secretAccessKey: string; sessionToken?: string }
  region?: string
  service?: string
  headers?: Record<string, string>
  /** After signing. */
  added?: Record<string, string>
  sentBody?: string
  query?: string
  ageMs?: number
}

function denies(work: () => unknown): void {
  assert.throws(work, (error) => error instanceof BrokerError && error.code === 'ACCESS_DENIED')
}

function refuses(code: string, sent: Sent): void {
  assert.throws(
    () => setup().authenticate(sent),
    (error) => error instanceof BrokerError && error.code === code,
  )
}

function setup() {
  const clock = createFakeClock()
  const authenticate = createAuthenticate({
    principals: {
      findByAccessKey: (id) =>
        id === USER.accessKeyId ? { ...USER, principal: createTestPrincipal({ arn: USER_ARN }) } : undefined,
    },
    broker: BROKER,
    account: '000000000000',
    clock,
  })
  return {
    authenticate: ({ as, region = 'us-east-1', service = 'kms', headers = {}, added = {}, ...sent }: Sent) => {
      const request = {
        method: 'POST',
        path: '/',
        query: sent.query ?? '',
        headers: { host: 'kms', ...headers },
        body: '{}',
      }
      const now = clock.now() - (sent.ageMs ?? 0)
      const signed = as === undefined ? request.headers : signRequest(request, { ...as, region, service, now })
      return authenticate({ ...request, headers: { ...signed, ...added }, body: Buffer.from(sent.sentBody ?? '{}') })
    },
  }
}
