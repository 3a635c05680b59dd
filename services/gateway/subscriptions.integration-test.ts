/** Actions on subscriptions as time passes and others act meanwhile: real Redis, no server, a clock that is moved. */

import assert from 'node:assert/strict'
import { createSecretKey, randomBytes, randomUUID } from 'node:crypto'
import { after, suite, test } from 'node:test'
import { createCatalog, type Subscription } from '#shared/catalog'
import { createFakeClock } from '#shared/clock'
import { PUBLIC_ONLY } from '#shared/endpoint-guard'
import { createRecordMac, createSecretRing } from '#shared/record-mac'
import { closeRedis, openRedis, whenReady } from '#shared/redis'
import { confirmationToken, decodeParameters, encodeResponse } from '#shared/sns-wire'
import { createTestPrincipal } from '#shared/test-principals'
import { startTestRedis } from '#shared/test-redis'
import type { ActionServices } from './action.ts'
import { sns } from './actions/table.ts'
import { createAuthorize } from './authorize.ts'
import type { Caller } from './caller.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const US = '000000000000'
const THEM = '111111111111'
const expired = { code: 'INVALID_PARAMETER', message: 'Invalid parameter: Token' }
const gone = { code: 'NOT_FOUND', message: 'Subscription does not exist' }

suite('a subscription in a gateway', () => {
  const starting = startTestRedis()
  after(async () => (await starting)[Symbol.asyncDispose]())

  test('that nobody confirms is listed, counted and read for three days, and then a Subscribe makes another', async () => {
    await using t = await setup()
    const arn = await t.subscribe()
    t.clock.advance(3 * DAY_MS - 1)
    assert.deepEqual(await t.listed(), ['PendingConfirmation'])
    assert.equal(await t.count('SubscriptionsPending'), '1')
    assert.match(await t.call('GetSubscriptionAttributes', { SubscriptionArn: arn }), /PendingConfirmation/)
    t.clock.advance(1)
    assert.equal(await t.count('SubscriptionsPending'), '0')
    assert.deepEqual(await t.listed(), [])
    assert.deepEqual(await t.listed('ListSubscriptions'), [])
    await assert.rejects(t.call('GetSubscriptionAttributes', { SubscriptionArn: arn }), gone)
    const another = await t.subscribe()
    assert.notEqual(another, arn)
    assert.deepEqual(await t.listed(), ['PendingConfirmation'])
    assert.deepEqual(t.confirmations, [arn, another])
  })

  test('that expired is removed by whatever meets it, and by nothing as long as somebody renews it', async () => {
    const meet = [
      (t: Setup) => t.subscribe(),
      (t: Setup) => t.subscribe('https://example.com/another'),
      (t: Setup) => t.listed(),
      (t: Setup) => t.listed('ListSubscriptions'),
      (t: Setup, arn: string) => t.call('Unsubscribe', { SubscriptionArn: arn }),
      (t: Setup, arn: string) => assert.rejects(t.call('GetSubscriptionAttributes', { SubscriptionArn: arn }), gone),
      (t: Setup, arn: string) => assert.rejects(t.setAttribute(arn, 'RawMessageDelivery', 'true'), gone),
      (t: Setup, arn: string) => assert.rejects(t.confirm(arn, t.clock.now()), gone),
    ]
    for (const act of meet) {
      await using t = await setup()
      const arn = await t.subscribe()
      t.clock.advance(2 * DAY_MS)
      assert.equal(await t.subscribe(), arn)
      t.clock.advance(2 * DAY_MS)
      assert.equal((await t.stored(arn))?.pendingSince, t.clock.now() - 2 * DAY_MS)
      t.clock.advance(DAY_MS)
      await act(t, arn)
      assert.equal(await t.stored(arn), undefined, String(act))
    }
  })

  test('is confirmed by any of its tokens, each for two days from its own issue', async () => {
    await using t = await setup()
    const arn = await t.subscribe()
    const first = t.clock.now()
    t.clock.advance(DAY_MS)
    await t.subscribe()
    const second = t.clock.now()
    t.clock.advance(DAY_MS + 1)
    await assert.rejects(t.confirm(arn, first), expired)
    await t.confirm(arn, second)
    const { state, pendingSince } = (await t.stored(arn)) ?? {}
    assert.deepEqual([state, pendingSince], ['confirmed', undefined])
    t.clock.advance(DAY_MS)
    await assert.rejects(t.confirm(arn, second), expired)
    t.clock.advance(100 * DAY_MS)
    assert.deepEqual(await t.listed(), [arn])
  })

  test('keeps its attributes when it is subscribed again after its link ended it', async () => {
    await using t = await setup()
    const arn = await t.subscribe()
    await t.setAttribute(arn, 'RawMessageDelivery', 'TRUE')
    await t.confirm(arn, t.clock.now())
    await t.call('Unsubscribe', { SubscriptionArn: arn }, null)
    assert.deepEqual(await t.listed(), ['Deleted'])
    assert.match(await t.call('GetSubscriptionAttributes', { SubscriptionArn: arn }), /<value>true<\/value>/)
    t.clock.advance(10 * DAY_MS)
    assert.equal(await t.subscribe(), arn)
    const stored = await t.stored(arn)
    assert.deepEqual([stored?.state, stored?.rawMessageDelivery], ['pending', true])
    t.clock.advance(3 * DAY_MS - 1)
    assert.deepEqual(await t.listed(), ['PendingConfirmation'])
  })

  test("of another owner is shown with the topic's, and neither read nor changed", async () => {
    await using t = await setup()
    const theirs: Subscription = {
      id: randomUUID(),
      topicArn: t.topicArn,
      incarnation: t.incarnation,
      protocol: 'https',
      endpoint: 'https://user:secret@example.com/',
      owner: THEM,
      principal: `arn:aws:iam::${THEM}:user/eve`,
      state: 'confirmed',
      confirmationWasAuthenticated: false,
      createdAt: t.clock.now(),
    }
    await t.catalog.putSubscription(theirs, { expect: 'absent' })
    const arn = `${t.topicArn}:${theirs.id}`
    assert.deepEqual(await t.listed(), [arn])
    const list = await t.call('ListSubscriptionsByTopic', { TopicArn: t.topicArn })
    assert.ok(list.includes('https://user:****@example.com/') && !list.includes('secret'))
    assert.deepEqual(await t.listed('ListSubscriptions'), [])
    assert.deepEqual(await t.listed('ListSubscriptions', callerOf(THEM)), [arn])
    const refused = { code: 'AUTHORIZATION_ERROR', message: 'Not authorized to access this subscription' }
    await assert.rejects(t.call('GetSubscriptionAttributes', { SubscriptionArn: arn }), refused)
    await assert.rejects(t.setAttribute(arn, 'RawMessageDelivery', 'true'), refused)
    // The same endpoint of another owner is another subscription.
    assert.notEqual(await t.subscribe(theirs.endpoint), arn)
  })

  test('is one, however many Subscribe calls for its endpoint come at once, on however many gateways', async () => {
    await using t = await setup()
    await using other = await setup(t)
    const subscribe = async () => {
      const calls = Array.from({ length: 100 }, (_, n) => {
        t.clock.advance(1)
        return (n % 2 === 0 ? t : other).subscribe()
      })
      return new Set(await Promise.all(calls))
    }
    const [arn, ...more] = await subscribe()
    assert.deepEqual(more, [])
    t.clock.advance(HOUR_MS)
    assert.deepEqual(await subscribe(), new Set([arn]))
    assert.deepEqual(await t.listed(), ['PendingConfirmation'])
    const endpoints = Array.from({ length: 100 }, (_, n) => `https://example.com/${n}`)
    const arns = await Promise.all(endpoints.map((endpoint, n) => (n % 2 === 0 ? t : other).subscribe(endpoint)))
    assert.equal(new Set(arns).size, 100)
  })

  test('loses no attribute to changes at the same time', async () => {
    await using t = await setup()
    await using other = await setup(t)
    const arn = await t.subscribe()
    await Promise.all([
      t.setAttribute(arn, 'RawMessageDelivery', 'true'),
      other.setAttribute(arn, 'DeliveryPolicy', '{}'),
      t.confirm(arn, t.clock.now()),
      other.subscribe(),
    ])
    const { state, rawMessageDelivery, deliveryPolicy } = (await t.stored(arn)) ?? {}
    assert.deepEqual([state, rawMessageDelivery, typeof deliveryPolicy], ['confirmed', true, 'string'])
  })

  test('keeps the version of its topic when an attribute is set to what it is', async () => {
    await using t = await setup()
    const arn = await t.subscribe()
    const version = async () => (await t.catalog.readTopic(t.topicArn))?.version
    const before = await version()
    await t.setAttribute(arn, 'RawMessageDelivery', 'false')
    await t.setAttribute(arn, 'DeliveryPolicy', '')
    assert.equal(await version(), before)
    await t.setAttribute(arn, 'RawMessageDelivery', 'true')
    assert.notEqual(await version(), before)
  })

  type Setup = Awaited<ReturnType<typeof setup>>

  /** @param beside another gateway, of the same topic and time */
  async function setup(beside?: { topicArn: string; incarnation: string; clock: ReturnType<typeof createFakeClock> }) {
    const redis = openRedis({ url: (await starting).url, name: 'test' })
    await whenReady(redis)
    const ring = createSecretRing('0000000a', new Map([['0000000a', createSecretKey(Buffer.alloc(32, 7))]]))
    const catalog = createCatalog({
      redis,
      recordMac: createRecordMac(ring),
      onForged: (what) => assert.fail(what.kind),
    })
    const clock = beside?.clock ?? createFakeClock()
    const name = randomBytes(6).toString('hex')
    const topicArn = beside?.topicArn ?? `arn:aws:sns:us-east-1:${US}:${name}`
    const incarnation = beside?.incarnation ?? randomBytes(16).toString('hex')
    if (beside === undefined) {
      // An account's list is shared by the tests; the others' lie on Redis too.
      await redis.del(`sealcast:subscriptions:${US}:us-east-1`)
      await catalog.createTopic({ arn: topicArn, incarnation, owner: US, createdAt: clock.now(), attributes: {} })
    }
    const confirmations: string[] = []
    const services: Partial<ActionServices> = {
      authorize: createAuthorize({ clock }),
      catalog,
      clock,
      tokenSecrets: ring,
      endpointNetworks: PUBLIC_ONLY,
      topics: { find: async (arn: string) => (await catalog.readTopic(arn))?.topic } as ActionServices['topics'],
      appendConfirmation: async (subscription, purpose) => {
        if (purpose === 'subscribe') confirmations.push(`${topicArn}:${subscription.id}`)
      },
    }

    async function call(
      name: string,
      parameters: Record<string, string>,
      /** Null for a request without a signature. */
      caller: Caller | null = callerOf(US),
    ): Promise<string> {
      const body = Buffer.from(new URLSearchParams(parameters).toString())
      const request = {
        parameters: decodeParameters({ query: '', body, hasFormBody: true }),
        caller: caller ?? undefined,
      }
      const action = sns.actions.get(name)
      assert.ok(action)
      const result = await action.run(request as never, services as ActionServices)
      return encodeResponse({ action: name, result, requestId: '' })
    }

    return {
      catalog,
      clock,
      topicArn,
      incarnation,
      /** ARNs of the subscriptions that a worker was asked to have confirmed. */
      confirmations,
      call,
      /** @returns its ARN */
      async subscribe(endpoint = 'https://example.com/hook'): Promise<string> {
        const parameters = { TopicArn: topicArn, Protocol: 'https', Endpoint: endpoint, ReturnSubscriptionArn: 'true' }
        return elementsOf(await call('Subscribe', parameters), 'SubscriptionArn').join()
      },
      setAttribute: (arn: string, AttributeName: string, AttributeValue: string) =>
        call('SetSubscriptionAttributes', { SubscriptionArn: arn, AttributeName, AttributeValue }),
      /** By the token that a worker would have sent for a request of that time. */
      confirm(arn: string, issuedAt: number): Promise<string> {
        const subscriptionId = arn.split(':').at(-1) ?? ''
        const token = confirmationToken({ ring, topicArn, subscriptionId, incarnation, issuedAt })
        return call('ConfirmSubscription', { TopicArn: topicArn, Token: token })
      },
      /** ARNs, or what stands for them. */
      async listed(action = 'ListSubscriptionsByTopic', caller = callerOf(US)): Promise<string[]> {
        return elementsOf(await call(action, { TopicArn: topicArn }, caller), 'SubscriptionArn')
      },
      async count(attribute: string): Promise<string | undefined> {
        const answer = await call('GetTopicAttributes', { TopicArn: topicArn })
        return new RegExp(`<key>${attribute}</key>\\s*<value>(\\d+)</value>`).exec(answer)?.[1]
      },
      stored: (arn: string) => catalog.readSubscription(topicArn, arn.split(':').at(-1) ?? ''),
      [Symbol.asyncDispose]: () => closeRedis(redis),
    }
  }
})

function callerOf(account: string): Caller {
  const principal = createTestPrincipal({ arn: `arn:aws:iam::${account}:root`, kind: 'root' })
  return { principal, region: 'us-east-1', sourceIp: '127.0.0.1', secure: true }
}

function elementsOf(xml: string, name: string): string[] {
  return [...xml.matchAll(new RegExp(`<${name}>([^<]*)</${name}>`, 'g'))].map(([, text = '']) => text)
}
