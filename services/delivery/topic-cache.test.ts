import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Subscription, Topic, TopicSnapshot } from '#shared/catalog'
import { createFakeClock } from '#shared/clock'
import { RecordForgedError } from '#shared/record-mac'
import { RedisUnavailableError } from '#shared/redis'
import { UNUSABLE_TOPIC_PAUSE_MS } from './limits.ts'
import { createTopicCache } from './topic-cache.ts'

const A = 'arn:aws:sns:us-east-1:000000000000:a'
const B = 'arn:aws:sns:us-east-1:000000000000:b'

suite('createTopicCache()', () => {
  test('loads a topic once a version', async () => {
    const { topics, put, loads } = setup()
    put(A, 'v1')
    await topics.resolve([A])
    await topics.resolve([A])
    assert.deepEqual(loads, [A])
    put(A, 'v2')
    const state = (await topics.resolve([A])).get(A)
    assert.deepEqual(loads, [A, A])
    assert.equal(state?.kind === 'known' && state.version, 'v2')
  })

  test('reads the versions of all topics in one question', async () => {
    const { topics, put, questions } = setup()
    put(A, 'v1')
    put(B, 'v1')
    const states = await topics.resolve([A, B])
    assert.deepEqual([...states.keys()], [A, B])
    assert.deepEqual(questions, [[A, B]])
  })

  test('knows when a topic is gone, also one that it had', async () => {
    const { topics, put, remove } = setup()
    put(A, 'v1')
    await topics.resolve([A])
    remove(A)
    assert.deepEqual((await topics.resolve([A])).get(A), { kind: 'unknown' })
  })

  test('believes the record, not the lack of a version, about whether there is a topic', async () => {
    const { topics, put, forge, hideVersion } = setup()
    put(A, 'v1', [subscription('1', { state: 'confirmed' })])
    put(B, 'v1')
    forge(B)
    hideVersion(A)
    hideVersion(B)
    const states = await topics.resolve([A, B])
    const state = states.get(A)
    assert.equal(state?.kind === 'known' && state.recipients.confirmed.length, 1)
    assert.equal(states.get(B)?.kind, 'unusable')
  })

  test('reports a forged topic, and looks again after a while only', async () => {
    const { topics, put, forge, loads, clock } = setup()
    put(A, 'v1')
    put(B, 'v1')
    forge(A)
    const states = await topics.resolve([A, B])
    assert.equal(states.get(B)?.kind, 'known')
    const state = states.get(A)
    assert.equal(state?.kind === 'unusable' && state.reason, 'TOPIC_RECORD_FORGED')
    assert.equal((await topics.resolve([A])).get(A)?.kind, 'unusable')
    assert.deepEqual(loads, [A, B])
    clock.advance(UNUSABLE_TOPIC_PAUSE_MS)
    put(A, 'v1')
    assert.equal((await topics.resolve([A])).get(A)?.kind, 'known')
  })

  test('looks at an unusable topic again also when the clock was set back', async () => {
    const { topics, put, forge, clock } = setup()
    put(A, 'v1')
    forge(A)
    await topics.resolve([A])
    put(A, 'v1')
    clock.advance(-3_600_000)
    assert.equal((await topics.resolve([A])).get(A)?.kind, 'known')
  })

  test('takes a change between topic and subscriptions for a change after both', async () => {
    const { topics, put, loads, onSubscriptionsRead } = setup()
    put(A, 'v1')
    onSubscriptionsRead(() => put(A, 'v2'))
    await topics.resolve([A])
    onSubscriptionsRead(() => undefined)
    await topics.resolve([A])
    assert.deepEqual(loads, [A, A])
  })

  test('offers confirmed subscriptions of this incarnation only', async () => {
    const { topics, put } = setup()
    put(A, 'v1', [
      subscription('1', { state: 'confirmed' }),
      subscription('2', { state: 'pending' }),
      subscription('3', { state: 'deleted' }),
      subscription('4', { state: 'confirmed', incarnation: 'earlier' }),
    ])
    const state = (await topics.resolve([A])).get(A)
    assert.ok(state?.kind === 'known')
    assert.deepEqual(
      state.recipients.confirmed.map(({ subscription: { id } }) => id),
      ['1'],
    )
    assert.deepEqual([...state.recipients.byId.keys()], ['1', '2', '3'])
  })

  test('forgets the least recently used topic beyond its capacity', async () => {
    const { topics, put, loads } = setup({ capacity: 2 })
    for (const arn of ['1', '2', '3']) put(arn, 'v')
    await topics.resolve(['1'])
    await topics.resolve(['2'])
    await topics.resolve(['1'])
    await topics.resolve(['3'])
    await topics.resolve(['1'])
    assert.deepEqual(loads, ['1', '2', '3'])
    await topics.resolve(['2'])
    assert.deepEqual(loads, ['1', '2', '3', '2'])
  })

  test('takes a version that was asked for ahead, and believes it like the others', async () => {
    const { topics, put, loads, questions } = setup()
    put(A, 'v1')
    await topics.resolve([A], topics.askAhead(A))
    await topics.resolve([A], topics.askAhead(A))
    assert.deepEqual([questions, loads], [[[A], [A]], [A]])
    put(A, 'v2')
    const state = (await topics.resolve([A], topics.askAhead(A))).get(A)
    assert.equal(state?.kind === 'known' && state.version, 'v2')
    assert.equal(questions.length, 3)
  })

  test('asks again for what was asked ahead of another topic, or beside others', async () => {
    const { topics, put, questions } = setup()
    put(A, 'v1')
    put(B, 'v1')
    const ahead = topics.askAhead(A)
    assert.equal((await topics.resolve([B], ahead)).get(B)?.kind, 'known')
    assert.deepEqual([...(await topics.resolve([A, B], ahead)).keys()], [A, B])
    assert.deepEqual(questions, [[A], [B], [A, B]])
  })

  test('asks again when nothing came of asking ahead', async () => {
    const { topics, put, questions, fail, hideVersion } = setup()
    put(A, 'v1')
    fail(new RedisUnavailableError('not connected'))
    const failed = topics.askAhead(A)
    assert.equal(await failed.version, undefined)
    fail(undefined)
    assert.equal((await topics.resolve([A], failed)).get(A)?.kind, 'known')
    hideVersion(A)
    assert.equal((await topics.resolve([A], topics.askAhead(A))).get(A)?.kind, 'known')
    assert.deepEqual(questions, [[A], [A], [A], [A]])
  })

  test('passes on that Redis did not answer', async () => {
    const { topics, put, fail } = setup()
    put(A, 'v1')
    fail(new RedisUnavailableError('not connected'))
    await assert.rejects(topics.resolve([A]), { code: 'REDIS_UNAVAILABLE' })
  })
})

function subscription(id: string, o: Partial<Subscription> = {}): Subscription {
  return {
    id,
    topicArn: A,
    incarnation: 'now',
    protocol: 'https',
    endpoint: `https://example.com/${id}`,
    owner: '000000000000',
    principal: 'arn:aws:iam::000000000000:user/u',
    state: 'confirmed',
    confirmationWasAuthenticated: false,
    createdAt: 0,
    ...o,
  }
}

function setup({ capacity = 100 }: { capacity?: number } = {}) {
  const clock = createFakeClock()
  const stored = new Map<string, TopicSnapshot & { subscriptions: Subscription[] }>()
  const forged = new Set<string>()
  const hidden = new Set<string>()
  const loads: string[] = []
  const questions: (readonly string[])[] = []
  let failure: Error | undefined
  let onRead = (): void => undefined
  const topics = createTopicCache({
    clock,
    capacity,
    catalog: {
      async readVersions(arns) {
        questions.push(arns)
        if (failure !== undefined) throw failure
        return arns.map((arn) => (hidden.has(arn) ? undefined : stored.get(arn)?.version))
      },
      async readTopic(arn) {
        loads.push(arn)
        if (forged.has(arn)) throw new RecordForgedError('topic')
        const found = stored.get(arn)
        return found === undefined ? undefined : { topic: found.topic, version: found.version }
      },
      async readSubscriptions(arn) {
        onRead()
        return { subscriptions: stored.get(arn)?.subscriptions ?? [], forged: 0 }
      },
    },
  })
  return {
    clock,
    topics,
    loads,
    questions,
    put(arn: string, version: string, subscriptions: Subscription[] = []) {
      forged.delete(arn)
      const topic: Topic = { arn, incarnation: 'now', owner: '000000000000', createdAt: 0, attributes: {} }
      stored.set(arn, { topic, version, subscriptions })
    },
    remove: (arn: string) => void stored.delete(arn),
    forge: (arn: string) => void forged.add(arn),
    hideVersion: (arn: string) => void hidden.add(arn),
    fail(error: Error | undefined) {
      failure = error
    },
    onSubscriptionsRead(then: () => void) {
      onRead = then
    },
  }
}
