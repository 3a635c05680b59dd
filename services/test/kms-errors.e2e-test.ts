/** What KMS refuses, as publishers see it: SNS's six errors from Publish and PublishBatch, each provoked on the real stack. */

import assert from 'node:assert/strict'
import { after, before, beforeEach, suite, test } from 'node:test'
import { DisableKeyCommand, type KMSClient, ScheduleKeyDeletionCommand } from '@aws-sdk/client-kms'
import { PublishBatchCommand, PublishCommand, SNSClient, SNSServiceException } from '@aws-sdk/client-sns'
import { createFaultControls } from '#shared/test-kms'
import { createKey, createTopic, kmsClient, publish, readMetrics } from './messaging.ts'
import { type Stack, startStack } from './start-stack.ts'

/** In which a publish must have failed: the deadline of a KMS call, and what a busy machine adds. */
const DEADLINE_MS = 5_000

suite('a publish to a topic whose key KMS refuses', () => {
  let stack: Stack
  let sns: SNSClient
  let kms: KMSClient
  let faults: ReturnType<typeof createFaultControls>

  before(async () => {
    stack = await startStack()
    sns = new SNSClient({ ...stack.clientConfig, maxAttempts: 1 })
    kms = kmsClient(stack)
    faults = createFaultControls(stack.env.SEALCAST_KMS_ADMIN_URL ?? '')
  })
  beforeEach(() => faults.clear())
  after(async () => {
    sns.destroy()
    kms.destroy()
    await stack[Symbol.asyncDispose]()
  })

  test('gets KMSAccessDenied for a key of another account', async () => {
    const key = 'arn:aws:kms:us-east-1:111111111111:key/11111111-2222-4333-8444-555555555555'
    await refused(key, {
      name: 'KMSAccessDeniedException',
      kms: 'AccessDeniedException',
      text: /^User: arn:aws:iam::000000000000:\S+ is not authorized to perform: kms:GenerateDataKey on resource: \S+ because/,
    })
  })

  test('gets KMSDisabled for a key that is switched off', async () => {
    const key = await createKey(kms)
    await kms.send(new DisableKeyCommand({ KeyId: key }))
    await refused(key, { name: 'KMSDisabledException', kms: 'DisabledException', text: `${key} is disabled.` })
  })

  test('gets KMSInvalidState for a key that is to be deleted', async () => {
    const key = await createKey(kms)
    await kms.send(new ScheduleKeyDeletionCommand({ KeyId: key, PendingWindowInDays: 7 }))
    await refused(key, {
      name: 'KMSInvalidStateException',
      kms: 'KMSInvalidStateException',
      text: `${key} is pending deletion.`,
    })
  })

  test('gets KMSNotFound for a key, an alias and a name that do not exist', async () => {
    const id = '11111111-2222-4333-8444-555555555555'
    const place = 'arn:aws:kms:us-east-1:000000000000'
    for (const [key, text] of [
      [id, `Key '${place}:key/${id}' does not exist`],
      ['alias/nothing', `Alias ${place}:alias/nothing is not found.`],
    ] as const) {
      await refused(key, { name: 'KMSNotFoundException', kms: 'NotFoundException', text })
    }
    await refused('no-key', { name: 'KMSNotFoundException', kms: 'NotFoundException', text: /^Invalid keyId '/ })
  })

  test('gets KMSThrottling when the quota is used up', async () => {
    await faults.set({ throttling: [{ quota: 'symmetric', ratePerSecond: 0 }] })
    await refused(await createKey(kms), {
      name: 'KMSThrottlingException',
      kms: 'ThrottlingException',
      text: 'You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.',
    })
  })

  test('gets KMSOptInRequired, with status 403, when the account is not subscribed', async () => {
    await faults.set({ faults: [{ kind: 'error', name: 'OptInRequired', operations: ['GenerateDataKey'] }] })
    await refused(await createKey(kms), {
      name: 'KMSOptInRequired',
      status: 403,
      kms: 'OptInRequired',
      kmsStatus: 403,
      text: 'The AWS Access Key Id needs a subscription for the service',
    })
  })

  test('is told null where KMS says nothing', async () => {
    await faults.set({
      faults: [{ kind: 'error', name: 'DisabledException', message: null, operations: ['GenerateDataKey'] }],
    })
    await refused(await createKey(kms), { name: 'KMSDisabledException', kms: 'DisabledException', text: 'null' })
  })

  for (const fault of [
    { kind: 'error', name: 'KMSInternalException' },
    { kind: 'error', name: 'DependencyTimeoutException' },
    { kind: 'error', name: 'KeyUnavailableException' },
    { kind: 'error', name: 'ServiceUnavailable' },
    { kind: 'reset' },
    { kind: 'hang' },
  ] as const) {
    test(`gets InternalError in time when KMS fails: ${'name' in fault ? fault.name : fault.kind}`, async () => {
      const topicArn = await createTopic(sns, { KmsMasterKeyId: await createKey(kms) })
      await faults.set({ faults: [{ ...fault, operations: ['GenerateDataKey'] }] })
      await nothingAccepted(async () => {
        const startedAt = performance.now()
        for (const error of await bothWays(topicArn)) {
          assert.equal(error.name, 'InternalErrorException')
          assert.equal(error.$metadata.httpStatusCode, 500)
          assert.equal(error.message, 'KMS does not answer. The message was not accepted; retry later.')
        }
        assert.ok(performance.now() - startedAt < DEADLINE_MS)
      })
      await faults.clear()
      await published(topicArn)
    })
  }

  /** Until a breaker has found out that KMS is back. */
  async function published(topicArn: string): Promise<void> {
    const deadline = performance.now() + DEADLINE_MS
    while ((await publish(sns, topicArn, 'after').catch(() => '')) === '') {
      assert.ok(performance.now() < deadline, 'KMS is well again')
    }
  }

  async function refused(
    key: string,
    expected: { name: string; status?: number; kms: string; kmsStatus?: number; text: string | RegExp },
  ): Promise<void> {
    const topicArn = await createTopic(sns, { KmsMasterKeyId: key })
    await nothingAccepted(async () => {
      for (const error of await bothWays(topicArn)) {
        assert.equal(error.name, expected.name, error.message)
        assert.equal(error.$metadata.httpStatusCode, expected.status ?? 400)
        assert.equal(error.$fault, 'client')
        const suffix =
          / \(Service: AWSKMS; Status Code: (\d+); Error Code: (\w+); Request ID: [0-9a-f-]{36}; Proxy: null\)$/
        const [found = '', status, code] = suffix.exec(error.message) ?? []
        assert.deepEqual([status, code], [String(expected.kmsStatus ?? 400), expected.kms], error.message)
        const text = error.message.slice(0, -found.length)
        if (typeof expected.text === 'string') assert.equal(text, expected.text)
        else assert.match(text, expected.text)
      }
    })
  }

  /** By Publish and by PublishBatch, at once. */
  function bothWays(topicArn: string): Promise<SNSServiceException[]> {
    const entries = ['a', 'b'].map((Id) => ({ Id, Message: 'not to be stored' }))
    const calls = [
      sns.send(new PublishCommand({ TopicArn: topicArn, Message: 'not to be stored' })),
      sns.send(new PublishBatchCommand({ TopicArn: topicArn, PublishBatchRequestEntries: entries })),
    ]
    return Promise.all(
      calls.map(async (call) => {
        const error = await call.then(
          () => assert.fail('it was accepted'),
          (reason: unknown) => reason,
        )
        assert.ok(error instanceof SNSServiceException, String(error))
        return error
      }),
    )
  }

  async function nothingAccepted(work: () => Promise<void>): Promise<void> {
    const accepted = async () => {
      const text = (await readMetrics(stack)).join('\n')
      return Array.from(text.matchAll(/^sealcast_messages_published_total\{[^}]*\} (\d+)$/gm), ([, n]) => Number(n))
    }
    const before = await accepted()
    await work()
    assert.deepEqual(await accepted(), before)
  }
})
