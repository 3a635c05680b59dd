/** Every documented error, by a table of requests; and garbage of all kinds, which is refused by name. */

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, suite, test } from 'node:test'
import fc from 'fast-check'
import { startTestKms, type TestKms } from '#shared/test-kms'
import { SERVED_OPERATIONS } from './operations.ts'
import { callKms } from './testing/call-kms.ts'
import { ERROR_CASES, type Fixture } from './testing/error-cases/index.ts'

let kms: TestKms
let fixture: Fixture

before(async () => {
  kms = await startTestKms()
  fixture = await setup()
})
after(async () => {
  await kms[Symbol.asyncDispose]()
})

suite('errors', () => {
  for (const { operation, what, input, error, text } of ERROR_CASES) {
    test(`${operation}, ${what}: ${error}`, async () => {
      const { status, body = {} } = await callKms(kms, operation, input(fixture))
      assert.equal(status, 400)
      assert.equal(body.__type, error, JSON.stringify(body))
      const expected = typeof text === 'function' ? text(fixture) : text
      const member = error === 'AccessDeniedException' ? 'Message' : 'message'
      if (expected === null) assert.deepEqual(Object.keys(body), ['__type'])
      else if (expected !== undefined) assert.equal(body[member], expected)
    })
  }

  test('cover what KMS documents for each operation, or say why not', async () => {
    const seen = new Set(ERROR_CASES.map(({ operation, error }) => `${operation} ${error}`))
    for (const operation of new Set(ERROR_CASES.map((row) => row.operation))) {
      if (!SERVED_OPERATIONS.includes(operation)) continue
      const missing = (await documentedErrors(operation)).filter(
        (error) =>
          !seen.has(`${operation} ${error}`) && !(error in NOT_HERE) && !NOT_HERE_FOR.has(`${operation} ${error}`),
      )
      assert.deepEqual(missing, [], operation)
    }
  })
})

suite('garbage', () => {
  for (const operation of SERVED_OPERATIONS) {
    test(`${operation} answers any JSON with a result or an error of KMS's, never with a failure`, async () => {
      // What an operation before did to the key is not to hide what this one does with it.
      for (const repair of ['CancelKeyDeletion', 'EnableKey']) await callKms(kms, repair, { KeyId: fixture.id })
      const bodies = await bodiesOf(operation)
      await fc.assert(
        fc.asyncProperty(bodies, (body) => isAnswered(operation, body)),
        { numRuns: 60 },
      )
    })

    test(`${operation} takes a value of no known shape for no reason to fail, in any member`, async () => {
      for (const name of await membersOf(operation)) {
        for (const value of ODD_VALUES) await isAnswered(operation, JSON.stringify({ [name]: value }))
      }
    })
  }
})

/** What a reader of texts, lists and maps may forget to expect. */
const ODD_VALUES: readonly unknown[] = [[null], [[]], [{}], [''], [1], { a: null }, { a: [] }, {}, '', -1, 1e300, true]

async function isAnswered(operation: string, body: string): Promise<void> {
  const { status, body: answer } = await callKms(kms, operation, body)
  if (status === 200) return
  assert.equal(status, 400, `${body}: ${JSON.stringify(answer)}`)
  assert.match(String(answer?.__type), /^[A-Z]\w+Exception$/)
}

/** Errors that no caller can bring about here, or that another table shows. */
const NOT_HERE: Readonly<Record<string, string>> = {
  KMSServiceException: "the SDK's base class",
  KMSInternalException: 'error-response.test.ts, faults/',
  DependencyTimeoutException: 'faults/',
  KeyUnavailableException: 'faults/',
  KMSInvalidStateException: 'key states have a table of their own',
  DisabledException: 'key states have a table of their own',
  InvalidKeyUsageException: 'there is one usage',
  InvalidGrantTokenException: 'grants.integration-test.ts',
  InvalidArnException: 'recorded answers to ARNs that name nothing are NotFoundException',
  CloudHsmClusterInvalidConfigurationException: 'there are no custom key stores',
  CustomKeyStoreInvalidStateException: 'there are no custom key stores',
  CustomKeyStoreNotFoundException: 'there are no custom key stores',
  XksKeyAlreadyInUseException: 'there are no custom key stores',
  XksKeyInvalidConfigurationException: 'there are no custom key stores',
  XksKeyNotFoundException: 'there are no custom key stores',
}

const NOT_HERE_FOR: ReadonlySet<string> = new Set([
  // Every key has a policy.
  'PutKeyPolicy UnsupportedOperationException',
  // Recorded and emulated answers to such names are ValidationException.
  'CreateAlias InvalidAliasNameException',
  // The fifty-first alias of a key: alias-changes.test.ts.
  'CreateAlias LimitExceededException',
  'UpdateAlias LimitExceededException',
  // The 50,001st grant of a key: grants/add-grant.test.ts.
  'CreateGrant LimitExceededException',
  // A principal that retires nothing has an empty list.
  'ListRetirableGrants NotFoundException',
  // Of a grant that is there: grants.integration-test.ts.
  'RetireGrant DryRunOperationException',
  'RevokeGrant DryRunOperationException',
  // That would tell whether there is a key: without a grant that is there the answer is the same.
  'RetireGrant NotFoundException',
  // No quota on keys.
  'CreateKey LimitExceededException',
  'EnableKey LimitExceededException',
  // The fifty-first tag is a TagException, in one request as in two; unknown tag keys are no error.
  'TagResource LimitExceededException',
  'UntagResource TagException',
])

/** As the AWS SDK's own declarations tell. */
async function documentedErrors(operation: string): Promise<readonly string[]> {
  const text = await declarations(`commands/${operation}Command`)
  const errors = Array.from(text.matchAll(/@throws \{@link (\w+)\}/g), ([, name]) => name ?? '')
  assert.ok(errors.length > 0)
  return errors
}

/** Any JSON, and JSON that looks like a request of that operation. */
async function bodiesOf(operation: string): Promise<fc.Arbitrary<string>> {
  const ids = fc.constantFrom(fixture.id, fixture.arn, fixture.alias, `${fixture.arn}/x`, 'arn:aws:kms:', 'alias/', '')
  const base64 = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes).toString('base64'))
  const blobs = fc.oneof(base64, fc.constantFrom(fixture.blob, `${fixture.blob}AAAA`))
  const numbers = fc.oneof(fc.integer({ min: -2, max: 3000 }), fc.double())
  const texts = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ minLength: 100, maxLength: 400 }))
  const names = fc.constantFrom('alias/garbage', 'AES_256', 'SYMMETRIC_DEFAULT', 'ENCRYPT_DECRYPT', 'default')
  const tag = fc.record({ TagKey: texts, TagValue: texts }, { requiredKeys: [] })
  const contexts = fc.dictionary(texts, fc.oneof(texts, fc.double({ noNaN: true, noDefaultInfinity: true })))
  const lists = fc.oneof(fc.array(texts), fc.array(tag))
  const plausible = fc.oneof(ids, blobs, numbers, texts, names, contexts, lists, fc.boolean(), fc.jsonValue())
  const likely = (name: string): fc.Arbitrary<unknown> => {
    if (name.endsWith('KeyId')) return ids
    if (name === 'CiphertextBlob' || name === 'Plaintext') return blobs
    if (name.endsWith('Context')) return fc.oneof(fc.constant({}), contexts)
    if (name.endsWith('Name')) return names
    if (name.endsWith('Bytes') || name.endsWith('Days') || name === 'Limit') return numbers
    if (name === 'Tags') return fc.array(tag)
    if (name === 'TagKeys') return fc.array(texts)
    return name === 'Description' ? texts : fc.constant(undefined)
  }
  const members = (await membersOf(operation)).map((name) => {
    const value = fc.oneof({ weight: 19, arbitrary: likely(name) }, plausible)
    return [name, value] as const
  })
  const requests = fc
    .record(Object.fromEntries(members), { requiredKeys: [] })
    .map((request) => JSON.stringify(request))
  return fc.oneof({ weight: 8, arbitrary: requests }, fc.json(), fc.string())
}

/** As the AWS SDK's own declarations tell. */
async function membersOf(operation: string): Promise<readonly string[]> {
  const text = await declarations('models/models_0')
  const [, members = ''] = new RegExp(`export interface ${operation}Request \\{(.*?)\\n\\}`, 's').exec(text) ?? []
  const names = Array.from(members.matchAll(/^ {4}(\w+)\??:/gm), ([, name]) => name ?? '')
  assert.ok(names.length > 0, operation)
  return names
}

function declarations(name: string): Promise<string> {
  const entry = import.meta.resolve('@aws-sdk/client-kms')
  return readFile(new URL(entry.replace(/dist-\w+\/.*/, `dist-types/${name}.d.ts`)), 'utf8')
}

async function setup(): Promise<Fixture> {
  const make = async () => Object((await callKms(kms, 'CreateKey', {})).body?.KeyMetadata)
  const [key, other, disabled] = [await make(), await make(), await make()]
  const alias = 'alias/app'
  await callKms(kms, 'CreateAlias', { AliasName: alias, TargetKeyId: key.KeyId })
  await callKms(kms, 'DisableKey', { KeyId: disabled.KeyId })
  const { body } = await callKms(kms, 'Encrypt', { KeyId: key.KeyId, Plaintext: 'VGV4dA==' })
  return {
    id: key.KeyId,
    arn: key.Arn,
    otherId: other.KeyId,
    disabledArn: disabled.Arn,
    alias,
    blob: String(body?.CiphertextBlob),
  }
}
