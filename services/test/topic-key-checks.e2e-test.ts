/** A topic that is given a KMS key nobody could use: SNS's answer is what it always is, and the operator is warned. */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { DisableKeyCommand, type KMSClient, PutKeyPolicyCommand } from '@aws-sdk/client-kms'
import { SetTopicAttributesCommand, type SNSClient } from '@aws-sdk/client-sns'
import { addPrincipal } from '#shared/principals'
import { createKey, createTopic, kmsClient, publish, snsClient } from './messaging.ts'
import { readLog } from './read-log.ts'
import { type Stack, startStack } from './start-stack.ts'
import { until } from './until.ts'

const MISSING = 'arn:aws:kms:us-east-1:000000000000:key/00000000-0000-4000-8000-000000000000'
const STRANGER = 'arn:aws:iam::111122223333:user/stranger'
const ROOT = 'arn:aws:iam::000000000000:root'

suite('a topic that is given a KMS key', () => {
  let stack: Stack
  let sns: SNSClient
  let kms: KMSClient

  before(async () => {
    stack = await startStack()
    sns = snsClient(stack)
    kms = kmsClient(stack)
    await addPrincipal(join(stack.home, 'principals.json'), { arn: STRANGER })
    await sleep(1_100)
  })

  after(async () => {
    for (const client of [sns, kms]) client.destroy()
    await stack[Symbol.asyncDispose]()
  })

  test('raises no warning when somebody who may publish may use the key', async () => {
    for (const keyId of [await createKey(kms), 'alias/aws/sns']) {
      const { topicArn, verdict } = await give(keyId)
      assert.equal(verdict, 'usable')
      assert.deepEqual(warningsAbout(topicArn), [])
      await publish(sns, topicArn, 'sealed')
    }
  })

  const UNUSABLE: readonly [string, string, () => Promise<string>][] = [
    ['only a stranger may use it', 'nobody', strangersKey],
    ['it is missing', 'missing', async () => MISSING],
    ['its alias is missing', 'missing', async () => 'alias/nothing'],
    ['it is disabled', 'disabled', disabledKey],
  ]
  for (const [what, reason, keyOf] of UNUSABLE) {
    for (const by of ['SetTopicAttributes', 'CreateTopic'] as const) {
      test(`raises a warning when ${what}, by ${by}`, async () => {
        const keyId = await keyOf()
        const { topicArn, verdict } = await give(keyId, by)
        assert.equal(verdict, 'unusable')
        const [warning, ...more] = await until('the warning is written', () => {
          const found = warningsAbout(topicArn)
          return found.length > 0 && found
        })
        assert.deepEqual(more, [])
        assert.partialDeepStrictEqual(warning, { level: 'warn', topicArn, keyId, reason })
        assert.match(String(warning?.why), /KMS key/)
        await assert.rejects(publish(sns, topicArn, 'refused'), /KMS/)
      })
    }
  }

  test('raises no warning while KMS is not to be reached', async () => {
    const keyId = await strangersKey()
    stack.signal('kms', 'SIGSTOP')
    try {
      const { topicArn, verdict } = await give(keyId)
      assert.equal(verdict, 'unknown')
      assert.deepEqual(warningsAbout(topicArn), [])
    } finally {
      stack.signal('kms', 'SIGCONT')
    }
  })

  test('lets the gateway stop at once, with checks under way', async () => {
    const keyId = await strangersKey()
    stack.signal('kms', 'SIGSTOP')
    for (let n = 0; n < 5; n++) await createTopic(sns, { KmsMasterKeyId: keyId })
    const pid = stack.pidOf('gateway') ?? 0
    const startedAt = performance.now()
    process.kill(pid, 'SIGTERM')
    await until('the gateway said that it stopped', () => gatewayLog().some(({ event }) => event === 'gateway.stopped'))
    const tookMs = performance.now() - startedAt
    stack.signal('kms', 'SIGCONT')
    assert.ok(tookMs < 3_000, `${tookMs} ms`)
    assert.ok(!gatewayLog().some(({ event }) => event === 'topic-key.check-failed'))
  })

  /** @returns the one verdict that it led to */
  async function give(keyId: string, by: 'SetTopicAttributes' | 'CreateTopic' = 'SetTopicAttributes') {
    const former = await verdicts()
    const topicArn = await createTopic(sns, by === 'CreateTopic' ? { KmsMasterKeyId: keyId } : {})
    if (by === 'SetTopicAttributes') {
      const key = { AttributeName: 'KmsMasterKeyId', AttributeValue: keyId }
      await sns.send(new SetTopicAttributesCommand({ TopicArn: topicArn, ...key }))
    }
    const verdict = await until('the key was checked', async () => {
      const now = await verdicts()
      return [...now].find(([name, count]) => count > (former.get(name) ?? 0))?.[0]
    })
    return { topicArn, verdict }
  }

  async function verdicts(): Promise<ReadonlyMap<string, number>> {
    // Of the gateway alone: a KMS that is stopped answers nobody.
    const [url = ''] = (stack.env.SEALCAST_METRICS_URLS ?? '').split(',')
    const text = await (await fetch(url)).text()
    const found = text.matchAll(/^sealcast_topic_key_checks_total\{verdict="(\w+)"\} (\d+)$/gm)
    return new Map([...found].map(([, name = '', count]) => [name, Number(count)]))
  }

  function warningsAbout(topicArn: string) {
    return gatewayLog().filter((line) => line.event === 'topic-key.unusable' && line.topicArn === topicArn)
  }

  function gatewayLog(): Record<string, unknown>[] {
    return readLog(stack, 'gateway')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line))
  }

  async function strangersKey(): Promise<string> {
    const keyArn = await createKey(kms)
    const own = ['kms:PutKeyPolicy', 'kms:DescribeKey']
    const Statement = [
      { Effect: 'Allow', Principal: { AWS: ROOT }, Action: own, Resource: '*' },
      { Effect: 'Allow', Principal: { AWS: STRANGER }, Action: 'kms:*', Resource: '*' },
    ]
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement })
    await kms.send(new PutKeyPolicyCommand({ KeyId: keyArn, Policy }))
    return keyArn
  }

  async function disabledKey(): Promise<string> {
    const keyArn = await createKey(kms)
    await kms.send(new DisableKeyCommand({ KeyId: keyArn }))
    return keyArn
  }
})
