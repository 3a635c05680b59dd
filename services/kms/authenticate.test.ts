import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createFakeClock } from '#shared/clock'
import { BrokerError } from '#shared/errors'
import { signRequest } from '#shared/sigv4'
import { createTestPrincipal } from '#shared/test-principals'
import { createAuthenticate, type Identity } from './authenticate.ts'
import { authorizeOperation } from './authorize-operation.ts'
import { ON_BEHALF_OF_HEADER } from './on-behalf-of.ts'

const USER = { accessKeyId: 'AKIAUSER000000000000', secretAccessKey: 'user-secret-user-secret' }
const SESSION = { accessKeyId: 'ASIASESSION000000000', secretAccessKey: 'session-secret', sessionToken: 'token' }
const SESSION_ARN = 'arn:aws:sts::111122223333:assumed-role/publisher/ada'
const BROKER = { accessKeyId: 'SCBRBROKER0000000000', secretAccessKey: 'broker-secret-broker-secret' }
const USER_ARN = 'arn:aws:iam::111122223333:user/ada'
const ROLE_ARN = 'arn:aws:iam::444455556666:role/team/sender'
const PUBLISHER_ARN = 'arn:aws:iam::444455556666:user/team/bob'

suite('authenticate()', () => {
  test('knows a user by signature, with account and region', () => {
    const { principal, ...identity } = setup().authenticate({ as: USER, region: 'eu-west-1' })
    assert.equal(principal?.arn, USER_ARN)
    assert.deepEqual(identity, {
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
    const { arn, account, kind } = identity.onBehalfOf ?? {}
    assert.deepEqual([arn, account, kind], [PUBLISHER_ARN, '444455556666', 'user'])
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

  test('reads what a session and a service bring with them', () => {
    const policy = '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}'
    const { onBehalfOf: session } = setup().authenticate({
      as: BROKER,
      headers: {
        [ON_BEHALF_OF_HEADER]: 'arn:aws:iam::444455556666:role/team/sender',
        'x-sealcast-session-policy': Buffer.from(policy).toString('base64'),
        'x-sealcast-purpose': 'issue',
      },
    })
    assert.deepEqual([session?.kind, session?.sessionPolicy?.text, session?.purpose], ['role-session', policy, 'issue'])
    const { onBehalfOf: service } = setup().authenticate({
      as: BROKER,
      headers: {
        [ON_BEHALF_OF_HEADER]: 's3.amazonaws.com',
        'x-sealcast-source-arn': 'arn:aws:s3:::bucket',
        'x-sealcast-source-account': '111122223333',
      },
    })
    const { kind, account, sourceArn, sourceAccount } = service ?? {}
    assert.deepEqual(
      [kind, account, sourceArn, sourceAccount],
      ['service', 'aws', 'arn:aws:s3:::bucket', '111122223333'],
    )
  })

  test('reads the tags of a session and who is behind it', () => {
    const tags = { team: 'orders', Owner: '', 'größe/1': 'x y' }
    const { onBehalfOf } = setup().authenticate({
      as: BROKER,
      headers: {
        [ON_BEHALF_OF_HEADER]: ROLE_ARN,
        'x-sealcast-session-tags': inBase64(tags),
        'x-sealcast-source-identity': 'ada@example.com',
      },
    })
    assert.deepEqual(onBehalfOf?.sessionTags, tags)
    assert.equal(onBehalfOf?.sourceIdentity, 'ada@example.com')
  })

  for (const [what, tags] of [
    ['no object', ['team']],
    ['values that are no text', { team: 1 }],
    ['keys that differ in case alone', { team: 'a', TEAM: 'b' }],
    ['more than fifty', Object.fromEntries(Array.from({ length: 51 }, (_, n) => [`tag-${n}`, '']))],
    ['a key that is too long', { ['k'.repeat(129)]: '' }],
    ['a value that is too long', { team: 'v'.repeat(257) }],
    ['a key with a line end', { 'te\nam': '' }],
  ] as const) {
    test(`refuses session tags of ${what}`, () => {
      const headers = { [ON_BEHALF_OF_HEADER]: ROLE_ARN, 'x-sealcast-session-tags': inBase64(tags) }
      refuses('VALIDATION', { as: BROKER, headers })
    })
  }

  test('refuses session tags in any other base64, and a source identity of other letters', () => {
    const headers = { [ON_BEHALF_OF_HEADER]: ROLE_ARN }
    for (const text of ['e30', 'e31=', '!e30=', 'e30= ', inBase64({}).replace('=', '')]) {
      refuses('VALIDATION', { as: BROKER, headers: { ...headers, 'x-sealcast-session-tags': text } })
    }
    for (const text of ['a', 'a'.repeat(65), 'a b', 'é', 'a/b', 'ada, eve']) {
      refuses('VALIDATION', { as: BROKER, headers: { ...headers, 'x-sealcast-source-identity': text } })
    }
  })

  test('refuses what only a session has for anybody else', () => {
    for (const own of [
      { 'x-sealcast-session-tags': inBase64({ team: 'orders' }) },
      { 'x-sealcast-source-identity': 'ada' },
      { 'x-sealcast-session-policy': inBase64({ Version: '2012-10-17', Statement: [] }) },
    ]) {
      for (const who of [PUBLISHER_ARN, 's3.amazonaws.com', 'arn:aws:iam::444455556666:root']) {
        refuses('VALIDATION', { as: BROKER, headers: { ...own, [ON_BEHALF_OF_HEADER]: who } as Record<string, string> })
      }
    }
  })

  const names = ['session-policy', 'session-tags', 'source-identity', 'source-arn', 'source-account', 'purpose']
  for (const name of names.map((end) => `x-sealcast-${end}`)) {
    test(`refuses ${name} from anybody but the broker, unsigned, and with what it never holds`, () => {
      refuses('ACCESS_DENIED', { as: USER, headers: { [name]: 'deliver' } })
      const headers = { [ON_BEHALF_OF_HEADER]: PUBLISHER_ARN }
      refuses('ACCESS_DENIED', { as: BROKER, headers, added: { [name]: 'deliver' } })
      refuses('VALIDATION', { as: BROKER, headers: { ...headers, [name]: 'What is this?' } })
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

  test('knows a role session by its token', () => {
    const { kind, arn, account } = setup().authenticate({ as: SESSION })
    assert.deepEqual([kind, arn, account], ['user', SESSION_ARN, '111122223333'])
    refuses('ACCESS_DENIED', { as: SESSION, headers: { [ON_BEHALF_OF_HEADER]: PUBLISHER_ARN } })
  })

  test("refuses an unknown access key, and a session's token with any other", () => {
    refuses('UNRECOGNIZED_CLIENT', { as: { ...USER, accessKeyId: 'AKIANOBODY0000000000' } })
    refuses('UNRECOGNIZED_CLIENT', { as: { ...USER, sessionToken: 'token' } })
    refuses('UNRECOGNIZED_CLIENT', { as: { ...BROKER, sessionToken: 'token' } })
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
    const { arn, account, region, viaService, rule } = operation(setup().authenticate({ as: USER }), 'CreateKey')
    assert.deepEqual([arn, account, region, viaService, rule], [USER_ARN, '111122223333', 'us-east-1', false, 'own'])
  })

  test('lets the broker ask for data keys, ReEncrypt and DescribeKey in the name of a publisher, and for nothing else', () => {
    const broker = setup().authenticate({ as: BROKER, headers: { [ON_BEHALF_OF_HEADER]: PUBLISHER_ARN } })
    for (const name of ['GenerateDataKey', 'Decrypt', 'ReEncrypt', 'DescribeKey']) {
      const { arn, viaService, rule } = operation(broker, name)
      assert.deepEqual([arn, viaService, rule], [PUBLISHER_ARN, true, 'publisher'])
    }
    for (const name of ['CreateKey', 'ListKeys', 'DisableKey', 'EnableKey', 'CreateAlias', 'Encrypt']) {
      denies(() => operation(broker, name))
    }
  })

  test('lets the broker do nothing for itself but ReEncrypt, in the own account', () => {
    const broker = setup().authenticate({ as: BROKER })
    for (const name of ['GenerateDataKey', 'Decrypt', 'Encrypt', 'ListKeys']) {
      denies(() => operation(broker, name))
    }
    const { arn, account, subject } = operation(broker, 'ReEncrypt')
    assert.deepEqual([arn, account], ['arn:aws:iam::000000000000:role/sealcast-broker', '000000000000'])
    assert.deepEqual(subject.policies[0]?.policy.statements[0]?.actions, ['kms:ReEncryptFrom', 'kms:ReEncryptTo'])
  })

  for (const purpose of ['deliver', 'reopen', 'probe', 'issue', 'share', 'describe', 'rewrap']) {
    test(`asks the key policy alone for ${purpose}, if it is about what was accepted`, () => {
      const headers = { [ON_BEHALF_OF_HEADER]: PUBLISHER_ARN, 'x-sealcast-purpose': purpose }
      const { rule } = operation(setup().authenticate({ as: BROKER, headers }), 'Decrypt')
      assert.equal(rule, ['deliver', 'reopen', 'probe'].includes(purpose) ? 'accepted' : 'publisher')
    })
  }
})

function operation(identity: Identity, name: string) {
  const principals = { findPrincipal: () => undefined }
  return authorizeOperation(identity, name, { principals, transport: { secure: false }, now: 0 })
}

function inBase64(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64')
}

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
    findSigner: (id, token) => {
      if (id === USER.accessKeyId && token === undefined) {
        return { ...USER, principal: createTestPrincipal({ arn: USER_ARN }) }
      }
      if (id !== SESSION.accessKeyId || token !== SESSION.sessionToken) return undefined
      return { ...SESSION, principal: createTestPrincipal({ kind: 'role-session', arn: SESSION_ARN }) }
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
