import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, suite, test } from 'node:test'
import { startTestRedis } from '#shared/test-redis'
import { type Subscription, subscriptionArnOf, type Topic } from './index.ts'
import { keys } from './keys.ts'
import { type CatalogStage, openCatalogStage } from './testing/catalog-stage.ts'

const NOW = 1_767_225_600_000
const THREE_DAYS_MS = 259_200_000
const REGION = 'us-east-1'

for (const mode of ['standalone', 'cluster'] as const) {
  suite(`lists of subscriptions, ${mode}`, () => {
    const starting = startTestRedis({ cluster: mode === 'cluster' })
    const setup = async () => openCatalogStage((await starting).url)
    after(async () => (await starting)[Symbol.asyncDispose]())

    test('listSubscriptionsOfTopic() pages in order of id, whatever is added or removed meanwhile', async () => {
      await using t = await setup()
      const { topic, subscriptions } = await topicWith(t, 10)
      const ids = subscriptions.map(({ id }) => id).toSorted()
      const first = await t.catalog.listSubscriptionsOfTopic({ topicArn: topic.arn, limit: 4, now: NOW })
      assert.deepEqual(idsOf(first), ids.slice(0, 4))
      const ofNextPage = subscriptions.find(({ id }) => id === ids[5])
      const ofThisPage = subscriptions.find(({ id }) => id === ids[3])
      assert.ok(ofNextPage && ofThisPage)
      await t.catalog.removeSubscription(ofNextPage)
      await t.catalog.removeSubscription(ofThisPage)
      await put(t, t.aSubscription(topic, { id: `00000000-${randomUUID().slice(9)}` }))
      const rest: string[] = []
      let after = first.next
      while (after !== undefined) {
        const page = await t.catalog.listSubscriptionsOfTopic({ topicArn: topic.arn, limit: 4, now: NOW, after })
        rest.push(...idsOf(page))
        after = page.next
      }
      assert.deepEqual(rest, [ids[4], ...ids.slice(6)])
      for (const limit of [0, 1001, 1.5]) {
        const list = () => t.catalog.listSubscriptionsOfTopic({ topicArn: topic.arn, limit, now: NOW })
        await assert.rejects(list, RangeError)
      }
    })

    test('listSubscriptionsOfTopic() has no next page when the last one is full', async () => {
      await using t = await setup()
      const { topic } = await topicWith(t, 4)
      const list = (limit: number) => t.catalog.listSubscriptionsOfTopic({ topicArn: topic.arn, limit, now: NOW })
      assert.deepEqual([(await list(4)).next, (await list(5)).next], [undefined, undefined])
      assert.notEqual((await list(3)).next, undefined)
      const empty = t.aTopic()
      await t.catalog.createTopic(empty)
      const page = await t.catalog.listSubscriptionsOfTopic({ topicArn: empty.arn, limit: 5, now: NOW })
      assert.deepEqual(page, { subscriptions: [] })
    })

    test('listSubscriptionsOfTopic() removes what expired and fills the page with what follows', async () => {
      await using t = await setup()
      const { topic, subscriptions } = await topicWith(t, 3, { state: 'confirmed' })
      for (let n = 0; n < 7; n++) await put(t, t.aSubscription(topic))
      const now = NOW + THREE_DAYS_MS
      const page = await t.catalog.listSubscriptionsOfTopic({ topicArn: topic.arn, limit: 3, now })
      assert.deepEqual(idsOf(page), subscriptions.map(({ id }) => id).toSorted())
      const whole = await t.catalog.listSubscriptionsOfTopic({ topicArn: topic.arn, limit: 100, now })
      assert.equal(whole.next, undefined)
      assert.equal((await t.catalog.readSubscriptions(topic.arn)).subscriptions.length, 3)
      const own = await t.catalog.listSubscriptionsOfAccount({ account: t.account, region: REGION, limit: 100, now })
      assert.equal(own.subscriptions.length, 3)
    })

    test('listSubscriptionsOfTopic() drops made-up ids, leaves out forged records and finds those taken from the list', async () => {
      await using t = await setup()
      const { topic, subscriptions } = await topicWith(t, 5)
      const [gone, forged] = subscriptions
      assert.ok(gone && forged)
      const key = keys.idsKey(topic.arn)
      await t.redis.zrem(key, gone.id)
      await t.redis.hset(keys.subscriptionsKey(topic.arn), forged.id, 'x')
      const page = await t.catalog.listSubscriptionsOfTopic({ topicArn: topic.arn, limit: 10, now: NOW })
      const shown = subscriptions.filter(({ id }) => id !== forged.id).map(({ id }) => id)
      assert.deepEqual(idsOf(page), shown.toSorted())
      assert.ok(t.alarms.splice(0).length > 0)
      for (const id of ['', '!', '\u0000', '~', randomUUID()]) await t.redis.zadd(key, 0, id)
      const again = await t.catalog.listSubscriptionsOfTopic({ topicArn: topic.arn, limit: 10, now: NOW })
      assert.deepEqual(idsOf(again), shown.toSorted())
      assert.equal(await t.redis.zcard(key), 5)
    })

    test('listSubscriptionsOfAccount() gives what the account owns in a region, on topics of others too', async () => {
      await using t = await setup()
      await using other = await setup()
      const { topic, subscriptions } = await topicWith(t, 3)
      const elsewhere = t.aTopic({ region: 'eu-west-1' })
      await t.catalog.createTopic(elsewhere)
      await put(t, t.aSubscription(elsewhere))
      const foreign = other.aTopic()
      await t.catalog.createTopic(foreign)
      const onForeign = await put(t, { ...t.aSubscription(foreign) })
      await put(t, other.aSubscription(topic))
      const arns: string[] = []
      let after: string | undefined
      do {
        const page = await t.catalog.listSubscriptionsOfAccount({
          account: t.account,
          region: REGION,
          limit: 2,
          now: NOW,
          ...(after === undefined ? {} : { after }),
        })
        arns.push(...page.subscriptions.map(arnOf))
        after = page.next
      } while (after !== undefined)
      assert.deepEqual(arns, [...subscriptions, onForeign].map(arnOf).toSorted())
    })

    test('listSubscriptionsOfAccount() drops names that lead to nothing, to other owners or are no ARNs', async () => {
      await using t = await setup()
      await using other = await setup()
      const { topic, subscriptions } = await topicWith(t, 2)
      const key = keys.ownedKey(t.account, REGION)
      const theirs = await put(t, other.aSubscription(topic))
      const deleted = t.aTopic()
      await t.catalog.createTopic(deleted)
      await put(t, t.aSubscription(deleted))
      await t.catalog.deleteTopic(deleted.arn)
      const [one] = subscriptions
      assert.ok(one)
      const elsewhere = arnOf(one).replace(REGION, 'eu-west-1')
      for (const name of [
        '',
        '\u0000',
        'a{b',
        topic.arn,
        `${topic.arn}:`,
        `${topic.arn}:x`,
        arnOf(theirs),
        elsewhere,
      ]) {
        await t.redis.zadd(key, 0, name)
      }
      for (const limit of [1, 100]) {
        const own = await t.catalog.listSubscriptionsOfAccount({ account: t.account, region: REGION, limit, now: NOW })
        assert.ok(own.subscriptions.every(({ owner }) => owner === t.account))
      }
      assert.deepEqual(await t.redis.zrange(key, 0, '-1'), subscriptions.map(arnOf).toSorted())
      assert.deepEqual(t.alarms, [])
      await t.redis.hset(keys.subscriptionsKey(topic.arn), one.id, 'x')
      const own = await t.catalog.listSubscriptionsOfAccount({ account: t.account, region: REGION, limit: 9, now: NOW })
      assert.equal(own.subscriptions.length, 1)
      assert.deepEqual(t.alarms, [{ kind: 'subscription', topicArn: topic.arn }])
    })

    test('listSubscriptionsOfAccount() goes on after a page of names that lead to nothing', async () => {
      await using t = await setup()
      const { subscriptions } = await topicWith(t, 1)
      const key = keys.ownedKey(t.account, REGION)
      for (let n = 0; n < 25; n++) await t.redis.zadd(key, 0, `a${String(n).padStart(3, '0')}`)
      const first = await t.catalog.listSubscriptionsOfAccount({
        account: t.account,
        region: REGION,
        limit: 2,
        now: NOW,
      })
      assert.deepEqual([first.subscriptions.length, first.next], [0, 'a019'])
      const page = { account: t.account, region: REGION, limit: 2, now: NOW, after: 'a019' }
      assert.deepEqual((await t.catalog.listSubscriptionsOfAccount(page)).subscriptions, subscriptions)
    })

    test('enlistSubscription() lists one again whose name was lost', async () => {
      await using t = await setup()
      const { subscriptions } = await topicWith(t, 1)
      const [one] = subscriptions
      assert.ok(one)
      await t.redis.del(keys.ownedKeyOf(one))
      await t.catalog.enlistSubscription(one)
      const own = await t.catalog.listSubscriptionsOfAccount({ account: t.account, region: REGION, limit: 9, now: NOW })
      assert.deepEqual(own, { subscriptions })
    })
  })
}

async function topicWith(
  t: CatalogStage,
  count: number,
  more: Partial<Subscription> = {},
): Promise<{ topic: Topic; subscriptions: Subscription[] }> {
  const topic = t.aTopic()
  await t.catalog.createTopic(topic)
  const subscriptions: Subscription[] = []
  for (let n = 0; n < count; n++) subscriptions.push(await put(t, t.aSubscription(topic, more)))
  return { topic, subscriptions }
}

async function put(t: CatalogStage, subscription: Subscription): Promise<Subscription> {
  assert.ok(await t.catalog.putSubscription(subscription, { expect: 'absent' }))
  return subscription
}

function arnOf({ topicArn, id }: Subscription): string {
  return subscriptionArnOf(topicArn, id)
}

function idsOf({ subscriptions }: { subscriptions: readonly Subscription[] }): string[] {
  return subscriptions.map(({ id }) => id)
}
