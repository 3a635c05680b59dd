import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createAnnounceSnsKey } from './announce-sns-key.ts'

const TOPIC = 'arn:aws:sns:eu-west-1:111111111111:orders'
const principal = 'arn:aws:iam::111111111111:user/ada'

suite('announceSnsKey()', () => {
  for (const keyId of ['alias/aws/sns', 'arn:aws:kms:eu-west-1:111111111111:alias/aws/sns']) {
    test(`asks KMS about ${keyId}, for whoever gave it`, () => {
      const { announceSnsKey, asked } = setup()
      announceSnsKey({ topicArn: TOPIC, keyId, principal })
      assert.deepEqual(asked, [{ topicArn: TOPIC, keyId, principal }])
    })
  }

  for (const keyId of [
    'alias/aws/sqs',
    'alias/AWS/sns',
    'alias/aws/sns2',
    'aws/sns',
    'alias/orders',
    '11111111-2222-4333-8444-555555555555',
    'arn:aws:kms:eu-west-1:222222222222:alias/aws/sns',
    'arn:aws:kms:us-east-1:111111111111:alias/aws/sns',
    'arn:aws:kms:eu-west-1:111111111111:key/alias/aws/sns',
  ]) {
    test(`asks nothing about ${keyId}`, () => {
      const { announceSnsKey, asked } = setup()
      announceSnsKey({ topicArn: TOPIC, keyId, principal })
      assert.deepEqual(asked, [])
    })
  }

  test('asks one question at a time about an account and region, however often its topics are given the key', async () => {
    const answer = Promise.withResolvers<void>()
    const { announceSnsKey, asked } = setup(undefined, answer.promise)
    const announce = (topicArn: string) => announceSnsKey({ topicArn, keyId: 'alias/aws/sns', principal })
    for (let n = 0; n < 100; n++) announce(`${TOPIC}-${n}`)
    assert.equal(asked.length, 1)
    announce(TOPIC.replace('eu-west-1', 'us-east-1'))
    assert.equal(asked.length, 2)
    answer.resolve()
    await new Promise(setImmediate)
    announce(TOPIC)
    assert.equal(asked.length, 3)
  })

  test('tells of a failure and throws nothing', async () => {
    const error = new Error('down')
    const { announceSnsKey, failures } = setup(error)
    announceSnsKey({ topicArn: TOPIC, keyId: 'alias/aws/sns', principal })
    await new Promise(setImmediate)
    assert.deepEqual(failures, [[TOPIC, error]])
  })
})

function setup(failure?: Error, answer?: Promise<void>) {
  const asked: unknown[] = []
  const failures: unknown[] = []
  const announceSnsKey = createAnnounceSnsKey({
    kms: {
      async describeKey(o) {
        asked.push(o)
        await answer
        if (failure !== undefined) throw failure
        return { keyArn: '', state: 'Enabled' }
      },
    },
    onFailure: (topicArn, error) => failures.push([topicArn, error]),
  })
  return { announceSnsKey, asked, failures }
}
