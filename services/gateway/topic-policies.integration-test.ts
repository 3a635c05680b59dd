/** Topic policies and permissions as actions see them: real Redis, no server. */

import assert from 'node:assert/strict'
import { createSecretKey, randomBytes } from 'node:crypto'
import { after, suite, test } from 'node:test'
import { createCatalog, type Subscription } from '#shared/catalog'
import { createFakeClock } from '#shared/clock'
import { PUBLIC_ONLY } from '#shared/endpoint-guard'
import { compilePolicy } from '#shared/policy'
import type { Principal } from '#shared/principals'
import { createRecordMac, createSecretRing } from '#shared/record-mac'
import { closeRedis, openRedis, whenReady } from '#shared/redis'
import { confirmationToken, decodeParameters, defaultTopicPolicy, encodeResponse } from '#shared/sns-wire'
import { createTestPrincipal } from '#shared/test-principals'
import { startTestRedis } from '#shared/test-redis'
import type { ActionServices } from './action.ts'
import { sns } from './actions/table.ts'
import { createAuthorize } from './authorize.ts'
import type { Caller } from './caller.ts'
import { createTopicLookup } from './topic-lookup.ts'

const US = '000000000000'
const THEM = '111111111111'
const THIRD = '222222222222'
const ENDPOINT = 'https://example.com/hook'
const denied = { code: 'AUTHORIZATION_ERROR' }

suite('a topic policy in a gateway', () => {
  const starting = startTestRedis()
  after(async () => (await starting)[Symbol.asyncDispose]())

  test('is what every action asks: without permission none does anything, and none says whether there is a topic', async () => {
    await using t = await setup()
    const arn = await t.subscribe(admin(US))
    for (const name of sns.actions.keys()) {
      const answers: string[] = []
      for (const topicArn of [t.topicArn, `${t.topicArn}-missing`]) {
        for (const account of [US, THEM]) {
          const caller = userOf(account, [])
          const refusal = await t.refusal(name, everyParameter(topicArn, arn.replace(t.topicArn, topicArn)), caller)
          assert.equal(refusal.code, 'AUTHORIZATION_ERROR', `${name} ${topicArn} ${account}`)
          if (account === THEM) answers.push(refusal.message.replace('-missing', ''))
        }
      }
      assert.equal(new Set(answers).size, 1, `${name}: ${answers.join(' | ')}`)
    }
    assert.equal((await t.stored(arn))?.state, 'pending')
  })

  test('reads back as SNS’s default, as it was set, and as the default once that was set', async () => {
    await using t = await setup()
    const byDefault = defaultTopicPolicy(t.topicArn, US)
    assert.equal(await t.policy(), byDefault)
    const policy = t.policyOf({ Effect: 'Allow', Principal: '*', Action: 'sns:Publish' })
    await t.setPolicy(policy.replaceAll(',', ' , '))
    assert.equal(await t.policy(), policy)
    await assert.rejects(t.setPolicy(''), { message: 'Invalid parameter: Policy Error: null' })
    assert.equal(await t.policy(), policy)
    await t.setPolicy(byDefault)
    assert.equal(await t.policy(), byDefault)
    assert.equal((await t.catalog.readTopic(t.topicArn))?.topic.attributes.policy, undefined)
  })

  test('is gone with its topic', async () => {
    await using t = await setup()
    await t.permit('everybody', THEM, 'Publish')
    await t.call('Publish', { TopicArn: t.topicArn, Message: 'm' }, admin(THEM))
    await t.call('DeleteTopic', { TopicArn: t.topicArn })
    await t.call('CreateTopic', { Name: t.topicArn.split(':').at(-1) ?? '' })
    assert.equal(await t.policy(), defaultTopicPolicy(t.topicArn, US))
    await assert.rejects(t.call('Publish', { TopicArn: t.topicArn, Message: 'm' }, admin(THEM)), denied)
  })

  test('may come with CreateTopic, which then finds a topic with the same one alone', async () => {
    await using t = await setup()
    const arn = `${t.topicArn}-2`
    const policy = t.policyOf({ Effect: 'Allow', Principal: '*', Action: 'sns:Publish' }).replaceAll(t.topicArn, arn)
    const create = (value: string) =>
      t.call('CreateTopic', {
        Name: arn.split(':').at(-1) ?? '',
        'Attributes.entry.1.key': 'Policy',
        'Attributes.entry.1.value': value,
      })
    await create(policy)
    await create(` ${policy}`)
    await assert.rejects(create(defaultTopicPolicy(arn, US)), /Topic already exists with different attributes/)
    await assert.rejects(create('{'), { message: 'Invalid parameter: Attributes Reason: Policy Error: null' })
  })

  test('gets each permission of fifty that are added at once, and loses each that is removed at once', async () => {
    await using t = await setup()
    const labels = Array.from({ length: 50 }, (_, n) => `l${n}`)
    await Promise.all(labels.map((label) => t.permit(label, THEM, 'Publish')))
    assert.deepEqual((await t.sids()).sort(), ['__default_statement_ID', ...labels].sort())
    await Promise.all([...labels, ...labels].map((label) => t.permit(label, THEM, 'Publish')))
    assert.equal((await t.sids()).length, 51)
    await Promise.all(labels.map((Label) => t.call('RemovePermission', { TopicArn: t.topicArn, Label })))
    assert.equal(await t.policy(), defaultTopicPolicy(t.topicArn, US))
  })

  test('is edited by whoever it lets, as soon as it does and no longer', async () => {
    await using t = await setup()
    const add = (Label: string) =>
      t.call('AddPermission', { ...permission(Label, THIRD, 'Publish'), TopicArn: t.topicArn }, admin(THEM))
    await assert.rejects(add('a'), denied)
    await t.permit('editors', THEM, 'AddPermission')
    await add('a')
    assert.deepEqual(await t.sids(), ['__default_statement_ID', 'editors', 'a'])
    await t.call('RemovePermission', { TopicArn: t.topicArn, Label: 'editors' })
    await assert.rejects(add('b'), denied)
  })

  test('has no permission added or removed where there is no topic', async () => {
    await using t = await setup()
    const TopicArn = `${t.topicArn}-missing`
    const missing = { code: 'NOT_FOUND', message: 'Topic does not exist' }
    await assert.rejects(t.call('AddPermission', { ...permission('l', THEM, 'Publish'), TopicArn }), missing)
    await assert.rejects(t.call('RemovePermission', { TopicArn, Label: 'l' }), missing)
  })

  test('that denies is obeyed by the topic’s own root', async () => {
    await using t = await setup()
    await t.setPolicy(t.policyOf({ Effect: 'Deny', Principal: '*', Action: 'sns:Publish' }))
    await assert.rejects(t.call('Publish', { TopicArn: t.topicArn, Message: 'm' }), {
      message:
        `User: arn:aws:iam::${US}:root is not authorized to perform: SNS:Publish on resource: ${t.topicArn} ` +
        'with an explicit deny in a resource-based policy',
    })
    await assert.rejects(
      t.call('PublishBatch', {
        TopicArn: t.topicArn,
        'PublishBatchRequestEntries.member.1.Id': 'a',
        'PublishBatchRequestEntries.member.1.Message': 'm',
      }),
      denied,
    )
    assert.equal(t.published.length, 0)
  })

  test('lets another account subscribe, which owns the subscription and alone reads, changes and removes it', async () => {
    await using t = await setup()
    await assert.rejects(t.subscribe(admin(THEM)), denied)
    await t.permit('partners', THEM, 'Subscribe')
    await assert.rejects(t.subscribe(userOf(THEM, [])), /no identity-based policy allows the SNS:Subscribe action/)
    await assert.rejects(t.subscribe(admin(THIRD)), /no resource-based policy allows the SNS:Subscribe action/)
    const arn = await t.subscribe(admin(THEM))
    assert.equal((await t.stored(arn))?.owner, THEM)
    await t.confirm(arn, {})
    const get = (caller: Caller) => t.call('GetSubscriptionAttributes', { SubscriptionArn: arn }, caller)
    const set = (caller: Caller) =>
      t.call(
        'SetSubscriptionAttributes',
        { SubscriptionArn: arn, AttributeName: 'RawMessageDelivery', AttributeValue: 'true' },
        caller,
      )
    assert.match(await get(admin(THEM)), new RegExp(`<value>${THEM}</value>`))
    await set(admin(THEM))
    for (const act of [get, set]) {
      for (const account of [US, THIRD]) {
        await assert.rejects(act(admin(account)), { message: 'Not authorized to access this subscription' })
      }
    }
    assert.match(await t.call('ListSubscriptions', {}, admin(THEM)), new RegExp(arn))
    assert.doesNotMatch(await t.call('ListSubscriptions', {}, admin(US)), new RegExp(arn))
    await t.call('Unsubscribe', { SubscriptionArn: arn }, admin(THEM))
    assert.equal(await t.stored(arn), undefined)
    assert.deepEqual(t.told, ['subscribe'])
  })

  test('keeps what was subscribed under it when the permission is taken back, and the owner may still leave', async () => {
    await using t = await setup()
    await t.permit('partners', THEM, 'Subscribe')
    const arn = await t.subscribe(admin(THEM))
    await t.call('RemovePermission', { TopicArn: t.topicArn, Label: 'partners' })
    await assert.rejects(t.subscribe(admin(THEM)), denied)
    await t.confirm(arn, {})
    await t.call('Unsubscribe', { SubscriptionArn: arn }, admin(THEM))
    assert.equal(await t.stored(arn), undefined)
  })

  const enders: readonly (readonly [string, Caller | null, { open: Ending; protected: Ending }])[] = [
    ['its owner', admin(THEM), { open: 'removed', protected: 'removed' }],
    ['the topic’s owner', admin(US), { open: 'restorable', protected: 'restorable' }],
    ['anybody who may', admin(THIRD), { open: 'restorable', protected: 'refused' }],
    ['somebody who may not', userOf(THEM, []), { open: 'refused', protected: 'refused' }],
    ['its link', null, { open: 'restorable', protected: 'refused' }],
  ]
  for (const [name, caller, expected] of enders) {
    for (const kind of ['open', 'protected'] as const) {
      test(`lets ${name} end another account's ${kind} subscription: ${expected[kind]}`, async () => {
        await using t = await setup()
        await t.permit('partners', THEM, 'Subscribe')
        const arn = await t.subscribe(admin(THEM))
        await t.confirm(arn, kind === 'open' ? {} : { AuthenticateOnUnsubscribe: 'true' }, admin(THEM))
        const ending = t.call('Unsubscribe', { SubscriptionArn: arn }, caller)
        if (expected[kind] === 'refused') await assert.rejects(ending, denied)
        else await ending
        const state = (await t.stored(arn))?.state
        assert.equal(state, { removed: undefined, restorable: 'deleted', refused: 'confirmed' }[expected[kind]])
        assert.equal(t.told.includes('unsubscribe'), expected[kind] === 'restorable')
      })
    }
  }

  test('has AuthenticateOnUnsubscribe set by the owner alone, who needs the permission to confirm', async () => {
    await using t = await setup()
    await t.permit('partners', THEM, 'Subscribe')
    const arn = await t.subscribe(admin(THEM))
    const protect = { AuthenticateOnUnsubscribe: 'true' }
    await assert.rejects(t.confirm(arn, protect, admin(US)), denied)
    await assert.rejects(t.confirm(arn, protect, userOf(THEM, [])), /SNS:ConfirmSubscription on resource/)
    await t.confirm(arn, protect, admin(THEM))
    assert.equal((await t.stored(arn))?.confirmationWasAuthenticated, true)
  })

  test('is asked for protocol and endpoint of a Subscribe', async () => {
    await using t = await setup()
    const Condition = {
      StringEquals: { 'sns:Protocol': 'https' },
      StringLike: { 'SNS:Endpoint': 'https://example.com/*' },
    }
    await t.setPolicy(t.policyOf({ Effect: 'Allow', Principal: '*', Action: 'sns:Subscribe', Condition }))
    await t.subscribe(userOf(US, []))
    await assert.rejects(t.subscribe(userOf(US, []), 'https://example.org/hook'), denied)
    await assert.rejects(t.subscribe(userOf(US, []), 'http://example.com/hook'), denied)
  })

  async function setup() {
    const { url } = await starting
    const redis = openRedis({ url, name: 'test', commandTimeoutMs: 5_000, onError: () => undefined })
    await whenReady(redis)
    const ring = createSecretRing('0000000a', new Map([['0000000a', createSecretKey(Buffer.alloc(32, 7))]]))
    const recordMac = createRecordMac(ring)
    const catalog = createCatalog({ redis, recordMac, onForged: () => assert.fail('a record was forged') })
    const clock = createFakeClock(Date.UTC(2026, 0, 1))
    const topics = createTopicLookup({
      catalog,
      clock,
      standing: { isListening: () => true, isKnown: () => true, makeKnown: async () => undefined },
    })
    const published: unknown[] = []
    const told: string[] = []
    const services: Partial<ActionServices> = {
      authorize: createAuthorize({ clock }),
      catalog,
      topics,
      topicChanges: { settle: topics.forget, announce: (arn) => void topics.forget(arn) },
      sealingKeys: { forget: () => undefined },
      announceSnsKey: () => undefined,
      keyChecks: { request: () => undefined },
      sealAndAppend: async (_, __, messages) => messages.map((message) => String(published.push(message))),
      appendConfirmation: async (_, purpose) => void told.push(purpose),
      tokenSecrets: ring,
      endpointNetworks: PUBLIC_ONLY,
      clock,
    }

    /** @param caller null for a request without a signature */
    async function call(name: string, parameters: Record<string, string>, caller: Caller | null = admin(US)) {
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

    const created = await call('CreateTopic', { Name: `t-${randomBytes(6).toString('hex')}` })
    const topicArn = /<TopicArn>([^<]*)</.exec(created)?.[1] ?? ''
    const incarnation = (await catalog.readTopic(topicArn))?.topic.incarnation ?? ''
    const policy = async () => {
      const answer = await call('GetTopicAttributes', { TopicArn: topicArn })
      const text = /<key>Policy<\/key>\s*<value>([^<]*)</.exec(answer)?.[1] ?? ''
      return text.replaceAll('&quot;', '"').replaceAll('&amp;', '&')
    }
    const stored = (arn: string): Promise<Subscription | undefined> =>
      catalog.readSubscription(topicArn, arn.split(':').at(-1) ?? '')
    return {
      catalog,
      topicArn,
      published,
      /** Purposes of the confirmations that a worker was asked to send. */
      told,
      call,
      policy,
      stored,
      async sids(): Promise<string[]> {
        const { Statement }: { Statement: { Sid: string }[] } = JSON.parse(await policy())
        return Statement.map(({ Sid }) => Sid)
      },
      policyOf: (statement: object) =>
        JSON.stringify({ Version: '2012-10-17', Statement: [{ ...statement, Resource: topicArn }] }),
      setPolicy: (value: string) =>
        call('SetTopicAttributes', { TopicArn: topicArn, AttributeName: 'Policy', AttributeValue: value }),
      permit: (label: string, account: string, action: string) =>
        call('AddPermission', { ...permission(label, account, action), TopicArn: topicArn }),
      /** @returns its ARN */
      async subscribe(caller: Caller, endpoint = ENDPOINT): Promise<string> {
        const Protocol = endpoint.split(':')[0] ?? ''
        const wanted = { TopicArn: topicArn, Protocol, Endpoint: endpoint, ReturnSubscriptionArn: 'true' }
        return /<SubscriptionArn>([^<]*)</.exec(await call('Subscribe', wanted, caller))?.[1] ?? ''
      },
      confirm(arn: string, more: Record<string, string>, caller: Caller | null = null) {
        const subscriptionId = arn.split(':').at(-1) ?? ''
        const Token = confirmationToken({ ring, topicArn, subscriptionId, incarnation, issuedAt: clock.now() })
        return call('ConfirmSubscription', { TopicArn: topicArn, Token, ...more }, caller)
      },
      async refusal(name: string, parameters: Record<string, string>, caller: Caller) {
        try {
          await call(name, parameters, caller)
        } catch (error) {
          if (error instanceof Error && 'code' in error) return { code: error.code, message: error.message }
          throw error
        }
        return { code: 'none', message: '' }
      },
      [Symbol.asyncDispose]: () => closeRedis(redis),
    }
  }
})

type Ending = 'removed' | 'restorable' | 'refused'

/** What any of the actions needs, so that only permission is missing. */
function everyParameter(topicArn: string, subscriptionArn: string): Record<string, string> {
  return {
    TopicArn: topicArn,
    SubscriptionArn: subscriptionArn,
    Name: topicArn.split(':').at(-1) ?? '',
    Message: 'm',
    Protocol: 'https',
    Endpoint: ENDPOINT,
    AttributeName: 'DisplayName',
    AttributeValue: 'x',
    Token: 'a'.repeat(288),
    'PublishBatchRequestEntries.member.1.Id': 'a',
    'PublishBatchRequestEntries.member.1.Message': 'm',
    ...permission('l', THIRD, 'Publish'),
  }
}

function permission(Label: string, account: string, action: string): Record<string, string> {
  return { Label, 'AWSAccountId.member.1': account, 'ActionName.member.1': action }
}

/** The account's root: may do everything there. */
function admin(account: string): Caller {
  return callerOf(createTestPrincipal({ kind: 'root', arn: `arn:aws:iam::${account}:root` }))
}

function userOf(account: string, statements: readonly object[]): Caller {
  const text = JSON.stringify({ Version: '2012-10-17', Statement: statements })
  const policies = statements.length === 0 ? [] : [{ name: 'p', policy: compilePolicy(text, { kind: 'identity' }) }]
  return callerOf(createTestPrincipal({ arn: `arn:aws:iam::${account}:user/ada`, policies }))
}

function callerOf(principal: Principal): Caller {
  return { principal, region: 'us-east-1', sourceIp: '127.0.0.1', secure: true }
}
