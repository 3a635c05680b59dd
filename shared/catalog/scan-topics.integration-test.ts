import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { closeRedis, openRedis, whenReady } from '#shared/redis'
import { startTestRedis } from '#shared/test-redis'
import { scanTopicArns } from './scan-topics.ts'

suite('scanTopicArns()', () => {
  test('gives the topics of all accounts and regions, and no name that cannot be one', async () => {
    await using t = await setup()
    const { redis } = t
    const topicArns = [
      'arn:aws:sns:us-east-1:000000000000:orders',
      'arn:aws:sns:us-east-1:000000000000:orders.fifo',
      'arn:aws-cn:sns:cn-north-1:111111111111:Bills_2-b',
    ]
    for (const topicArn of topicArns) {
      await redis.hset(`sealcast:{t:${topicArn}}:topic`, 'record', 'x')
      await redis.set(`sealcast:{t:${topicArn}}:version`, '1')
    }
    for (const name of ['arn:\x1b[2J', `arn:${'a'.repeat(600)}`, 'orders']) {
      await redis.set(`sealcast:{t:${name}}:topic`, 'x')
    }
    const found = []
    for await (const some of scanTopicArns(redis)) found.push(...some)
    assert.deepEqual(found.toSorted(), topicArns.toSorted())
  })
})

async function setup() {
  const server = await startTestRedis()
  const redis = openRedis({ url: server.url, name: 'test' })
  await whenReady(redis)
  return {
    redis,
    async [Symbol.asyncDispose]() {
      await closeRedis(redis)
      await server[Symbol.asyncDispose]()
    },
  }
}
