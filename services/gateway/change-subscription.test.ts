import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Catalog, Subscription } from '#shared/catalog'
import { changeSubscription, findOrCreateSubscription } from './change-subscription.ts'

const topicArn = 'arn:aws:sns:us-east-1:000000000000:orders'
const id = '11111111-2222-4333-8444-555555555555'

suite('changeSubscription()', () => {
  test('stores what was decided and returns it', async () => {
    const { catalog, stored } = setup({ existing: subscription({}) })
    const changed = await changeSubscription(catalog, { topicArn, id }, confirm)
    assert.equal(changed?.state, 'confirmed')
    assert.deepEqual(stored, [changed])
  })

  test('returns undefined for an unknown one and for one whose topic is gone', async () => {
    for (const state of [{}, { topicIsGone: true, existing: subscription({}) }]) {
      const { catalog, stored } = setup(state)
      assert.equal(await changeSubscription(catalog, { topicArn, id }, confirm), undefined)
      assert.deepEqual(stored, [])
    }
  })

  test('does not touch one of an earlier topic of the same name', async () => {
    const { catalog, stored } = setup({ existing: subscription({ incarnation: 'earlier' }) })
    assert.equal(await changeSubscription(catalog, { topicArn, id }, confirm), undefined)
    assert.deepEqual(stored, [])
  })

  test('decides again when another change came between, and gives up only after many', async () => {
    const { catalog, stored } = setup({ existing: subscription({}), lostWrites: 3 })
    let decisions = 0
    await changeSubscription(catalog, { topicArn, id }, (current) => {
      decisions++
      return confirm(current)
    })
    assert.deepEqual([decisions, stored.length], [4, 1])
    const contended = setup({ existing: subscription({}), lostWrites: 1000 })
    await assert.rejects(changeSubscription(contended.catalog, { topicArn, id }, confirm), {
      code: 'SUBSCRIPTION_CONTENDED',
    })
  })
})

suite('findOrCreateSubscription()', () => {
  const wanted = {
    topicArn,
    isWanted: (one: Subscription) => one.id === id,
    revive: (one: Subscription) => (one.state === 'deleted' ? { ...one, state: 'pending' as const } : undefined),
    fresh: (incarnation: string) => subscription({ incarnation }),
  }

  test('creates one where none is wanted yet', async () => {
    const { catalog, stored } = setup({})
    assert.equal((await findOrCreateSubscription(catalog, wanted)).id, id)
    assert.equal(stored.length, 1)
  })

  test('returns an existing one without storing anything', async () => {
    const { catalog, stored } = setup({ existing: subscription({ state: 'confirmed' }) })
    assert.equal((await findOrCreateSubscription(catalog, wanted)).state, 'confirmed')
    assert.deepEqual(stored, [])
  })

  test('revives a deleted one under the id it had', async () => {
    const { catalog, stored } = setup({ existing: subscription({ state: 'deleted', createdAt: 7 }) })
    assert.deepEqual(await findOrCreateSubscription(catalog, wanted), subscription({ createdAt: 7 }))
    assert.equal(stored.length, 1)
  })

  test('refuses where there is no topic', async () => {
    const { catalog } = setup({ topicIsGone: true })
    await assert.rejects(findOrCreateSubscription(catalog, wanted), { code: 'NOT_FOUND' })
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

/** @param o.lostWrites how many writes find that the topic has changed meanwhile */
function setup(o: { topicIsGone?: boolean; existing?: Subscription; lostWrites?: number }) {
  const stored: Subscription[] = []
  let writes = 0
  const topic = { arn: topicArn, incarnation: 'current', owner: '000000000000', createdAt: 0, attributes: {} }
  const part: Pick<Catalog, 'readTopic' | 'readSubscription' | 'readSubscriptions' | 'putSubscription'> = {
    readTopic: async () => (o.topicIsGone ? undefined : { topic, version: `v${writes}` }),
    readSubscription: async () => o.existing,
    readSubscriptions: async () => ({ subscriptions: o.existing ? [o.existing] : [], forged: 0 }),
    putSubscription: async (changed, { ifVersion }) => {
      assert.equal(ifVersion, `v${writes}`)
      if (writes++ < (o.lostWrites ?? 0)) return false
      stored.push(changed)
      return true
    },
  }
  return { catalog: part as Catalog, stored }
}
