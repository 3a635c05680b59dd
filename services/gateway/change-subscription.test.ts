import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Catalog, Subscription } from '#shared/catalog'
import { changeSubscription, findOrCreateSubscription, removeSubscription } from './change-subscription.ts'

const topicArn = 'arn:aws:sns:us-east-1:000000000000:orders'
const id = '11111111-2222-4333-8444-555555555555'
const place = { topicArn, id, now: 0 }
const THREE_DAYS_MS = 259_200_000

suite('changeSubscription()', () => {
  test('stores what was decided and returns it', async () => {
    const { catalog, stored } = setup({ existing: subscription({}) })
    const changed = await changeSubscription(catalog, place, confirm)
    assert.equal(changed?.state, 'confirmed')
    assert.deepEqual(stored, [changed])
  })

  test('returns undefined for an unknown one and for one whose topic is gone', async () => {
    for (const state of [{}, { topicIsGone: true, existing: subscription({}) }]) {
      const { catalog, stored } = setup(state)
      assert.equal(await changeSubscription(catalog, place, confirm), undefined)
      assert.deepEqual(stored, [])
    }
  })

  test('does not touch one of an earlier topic of the same name', async () => {
    const { catalog, stored } = setup({ existing: subscription({ incarnation: 'earlier' }) })
    assert.equal(await changeSubscription(catalog, place, confirm), undefined)
    assert.deepEqual(stored, [])
  })

  test('removes one that expired instead of deciding about it', async () => {
    const existing = subscription({ createdAt: 5, pendingSince: 10 })
    const { catalog, stored, removed } = setup({ existing })
    assert.equal(await changeSubscription(catalog, { ...place, now: 10 + THREE_DAYS_MS }, confirm), undefined)
    assert.deepEqual([stored, removed], [[], [existing]])
    assert.ok(await changeSubscription(catalog, { ...place, now: 9 + THREE_DAYS_MS }, confirm))
  })

  test('decides again when another change came between, and gives up only after many', async () => {
    const { catalog, stored } = setup({ existing: subscription({}), lostWrites: 3 })
    let decisions = 0
    await changeSubscription(catalog, place, (current) => {
      decisions++
      return confirm(current)
    })
    assert.deepEqual([decisions, stored.length], [4, 1])
    const contended = setup({ existing: subscription({}), lostWrites: 1000 })
    await assert.rejects(changeSubscription(contended.catalog, place, confirm), { code: 'SUBSCRIPTION_CONTENDED' })
  })
})

suite('removeSubscription()', () => {
  test('removes what it checked, and checks again when that changed meanwhile', async () => {
    const existing = subscription({ state: 'confirmed' })
    const { catalog, removed } = setup({ existing, lostWrites: 2 })
    const checked: Subscription[] = []
    await removeSubscription(catalog, place, (current) => checked.push(current))
    assert.deepEqual([checked, removed], [[existing, existing, existing], [existing]])
  })

  test('leaves one that must stay, and is content where there is none', async () => {
    const { catalog, removed } = setup({ existing: subscription({}) })
    const refusal = new Error('refused')
    const refuse = () => {
      throw refusal
    }
    await assert.rejects(removeSubscription(catalog, place, refuse), refusal)
    assert.deepEqual(removed, [])
    await removeSubscription(setup({}).catalog, place, refuse)
  })
})

suite('findOrCreateSubscription()', () => {
  const wanted = {
    wanted: subscription({}),
    now: 0,
    allow: () => {},
    reuse: (one: Subscription) => (one.state === 'deleted' ? { ...one, state: 'pending' as const } : undefined),
    fresh: (incarnation: string) => subscription({ incarnation }),
  }

  test('creates one where none is wanted yet, replacing what the endpoint led to', async () => {
    const { catalog, stored, expected } = setup({})
    assert.equal((await findOrCreateSubscription(catalog, wanted)).id, id)
    assert.equal(stored.length, 1)
    assert.deepEqual(expected, [{ expect: 'absent', indexed: 'led to' }])
  })

  test('returns an existing one without storing anything, and has it listed', async () => {
    const existing = subscription({ state: 'confirmed' })
    const { catalog, stored, enlisted } = setup({ existing })
    assert.equal((await findOrCreateSubscription(catalog, wanted)).state, 'confirmed')
    assert.deepEqual([stored, enlisted], [[], [existing]])
  })

  test('reuses a deleted one under the id it had', async () => {
    const existing = subscription({ state: 'deleted', createdAt: 7 })
    const { catalog, stored, expected } = setup({ existing })
    assert.deepEqual(await findOrCreateSubscription(catalog, wanted), subscription({ createdAt: 7 }))
    assert.equal(stored.length, 1)
    assert.deepEqual(expected, [{ replaces: existing }])
  })

  test('looks again when another change came between', async () => {
    const { catalog, stored } = setup({ lostWrites: 3 })
    await findOrCreateSubscription(catalog, wanted)
    assert.equal(stored.length, 1)
    const contended = setup({ lostWrites: 1000 })
    await assert.rejects(findOrCreateSubscription(contended.catalog, wanted), { code: 'SUBSCRIPTION_CONTENDED' })
  })

  test('refuses where there is no topic', async () => {
    const { catalog } = setup({ topicIsGone: true })
    await assert.rejects(findOrCreateSubscription(catalog, wanted), { code: 'NOT_FOUND' })
  })

  test('asks for permission first, with the topic or without one', async () => {
    for (const topicIsGone of [false, true]) {
      const { catalog, stored } = setup({ topicIsGone })
      const asked: boolean[] = []
      const refusal = new Error('refused')
      const allow = (topic: unknown) => {
        asked.push(topic === undefined)
        throw refusal
      }
      await assert.rejects(findOrCreateSubscription(catalog, { ...wanted, allow }), refusal)
      assert.deepEqual([asked, stored], [[topicIsGone], []])
    }
  })
})

function confirm(current: Subscription): Subscription {
  return { ...current, state: 'confirmed' }
}

function subscription(o: Partial<Subscription>): Subscription {
  return {
    id,
    topicArn,
    incarnation: 'current',
    protocol: 'https',
    endpoint: 'https://example.com/hook',
    owner: '000000000000',
    principal: 'arn:aws:iam::000000000000:user/ada',
    state: 'pending',
    confirmationWasAuthenticated: false,
    createdAt: 0,
    ...o,
  }
}

/** @param o.lostWrites how many writes find that the subscription has changed meanwhile */
function setup(o: { topicIsGone?: boolean; existing?: Subscription; lostWrites?: number }) {
  const stored: Subscription[] = []
  const removed: Subscription[] = []
  const enlisted: Subscription[] = []
  const expected: unknown[] = []
  let writes = 0
  const isLost = () => writes++ < (o.lostWrites ?? 0)
  const topic = { arn: topicArn, incarnation: 'current', owner: '000000000000', createdAt: 0, attributes: {} }
  const part: Pick<
    Catalog,
    | 'readTopic'
    | 'readSubscription'
    | 'findSubscription'
    | 'putSubscription'
    | 'removeSubscription'
    | 'enlistSubscription'
  > = {
    readTopic: async () => (o.topicIsGone ? undefined : { topic, version: 'v' }),
    readSubscription: async () => o.existing,
    findSubscription: async () => ({ subscription: o.existing, indexed: 'led to' }),
    async putSubscription(changed, expectation) {
      if (isLost()) return false
      stored.push(changed)
      expected.push(expectation)
      return true
    },
    async removeSubscription(one) {
      if (isLost()) return false
      removed.push(one)
      return true
    },
    async enlistSubscription(one) {
      enlisted.push(one)
    },
  }
  return { catalog: part as Catalog, stored, removed, enlisted, expected }
}
