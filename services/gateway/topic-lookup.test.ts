import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Catalog, Topic } from '#shared/catalog'
import { createFakeClock } from '#shared/clock'
import { createTopicLookup } from './topic-lookup.ts'

const ARN = 'arn:aws:sns:us-east-1:000000000000:orders'
const OTHER = `${ARN}-other`

suite('find()', () => {
  test('reads a topic once a second, however many ask', async () => {
    const { lookup, reads, clock } = setup()
    await Promise.all([lookup.find(ARN), lookup.find(ARN), lookup.find(ARN)])
    assert.equal(reads.length, 1)
    clock.advance(999)
    await lookup.find(ARN)
    assert.equal(reads.length, 1)
    clock.advance(1)
    await lookup.find(ARN)
    assert.equal(reads.length, 2)
  })

  test('says what it knows, so that an unchanged topic stays the same object', async () => {
    const { lookup, known, clock, stored } = setup()
    const first = await lookup.find(ARN)
    clock.advance(1000)
    await lookup.find(ARN)
    stored.set(ARN, topic({ displayName: 'new' }))
    clock.advance(1000)
    const changed = await lookup.find(ARN)
    clock.advance(1000)
    await lookup.find(ARN)
    await lookup.forget(ARN)
    await lookup.find(ARN)
    assert.deepEqual(known, [undefined, first, first, changed, undefined])
    assert.equal(known[3], changed)
  })

  test('reads again after a change, even while an earlier read is under way', async () => {
    const { lookup, stored } = setup()
    const before = lookup.find(ARN)
    stored.set(ARN, topic({ kmsMasterKeyId: 'alias/a' }))
    await lookup.forget(ARN)
    const after = await lookup.find(ARN)
    assert.equal(after?.attributes.kmsMasterKeyId, 'alias/a')
    await before
    assert.equal((await lookup.find(ARN))?.attributes.kmsMasterKeyId, 'alias/a')
  })

  test('remembers neither an absence nor a failure', async () => {
    const { lookup, stored, reads, fail } = setup()
    stored.delete(ARN)
    assert.equal(await lookup.find(ARN), undefined)
    stored.set(ARN, topic({}))
    assert.ok(await lookup.find(ARN))
    await lookup.forget(ARN)
    fail.next = true
    await assert.rejects(lookup.find(ARN), { message: 'gone' })
    await lookup.find(ARN)
    assert.equal(reads.length, 4)
  })

  test('does not trust an entry from the future when the clock was set back', async () => {
    const { lookup, reads, clock } = setup()
    await lookup.find(ARN)
    clock.advance(-60_000)
    await lookup.find(ARN)
    assert.equal(reads.length, 2)
  })

  test('trusts nothing while no notices arrive', async () => {
    const { lookup, reads, standing } = setup()
    await lookup.find(ARN)
    standing.listening = false
    await lookup.find(ARN)
    await lookup.find(ARN)
    assert.equal(reads.length, 3)
  })

  test('makes itself known before it reads', async () => {
    const { lookup, events, standing } = setup()
    standing.known = false
    await lookup.find(ARN)
    await lookup.find(ARN)
    assert.deepEqual(events, ['made known', `read ${ARN}`])
  })

  test('keeps a bounded number of topics', async () => {
    const { lookup, reads } = setup({ capacity: 1 })
    for (const arn of [ARN, OTHER, OTHER, ARN]) await lookup.find(arn)
    assert.deepEqual(reads, [ARN, OTHER, ARN])
  })
})

suite('use()', () => {
  test('refuses an unknown topic as SNS does', async () => {
    const { lookup, stored } = setup()
    stored.delete(ARN)
    await assert.rejects(
      lookup.use(ARN, async () => undefined),
      { code: 'NOT_FOUND' },
    )
  })

  for (const [what, outdate] of [
    ['the topic changed', (t: Setup) => void t.lookup.forget(ARN)],
    ['all topics were forgotten', (t: Setup) => t.lookup.forgetAll()],
    ['the topic was crowded out', (t: Setup) => void t.lookup.find(OTHER)],
    ['a second passed', (t: Setup) => t.clock.advance(1000)],
    ['the clock was set back', (t: Setup) => t.clock.advance(-1)],
    ['the others no longer know of this gateway', (t: Setup) => Object.assign(t.standing, { known: false })],
  ] as const) {
    test(`decides again when ${what} before anything was stored`, async () => {
      const t = setup({ capacity: 1 })
      const decided: (string | undefined)[] = []
      const written: (string | undefined)[] = []
      await t.lookup.use(ARN, async (inUse) => {
        const key = inUse.topic.attributes.kmsMasterKeyId
        decided.push(key)
        if (decided.length === 1) {
          t.stored.set(ARN, topic({ kmsMasterKeyId: 'alias/a' }))
          outdate(t)
        }
        await inUse.store(async () => written.push(key))
      })
      assert.deepEqual(decided, [undefined, 'alias/a'])
      assert.deepEqual(written, ['alias/a'])
    })
  }

  test('stores what was decided just in time', async () => {
    const { lookup, clock } = setup()
    let times = 0
    await lookup.use(ARN, async ({ store }) => {
      clock.advance(999)
      await store(async () => times++)
    })
    assert.equal(times, 1)
  })

  test('gives up on a topic that changes again and again, with nothing stored', async () => {
    const { lookup } = setup()
    let decided = 0
    const endless = lookup.use(ARN, async ({ store }) => {
      decided++
      void lookup.forget(ARN)
      await store(() => assert.fail('stored'))
    })
    await assert.rejects(endless, { code: 'TOPIC_OUTDATED', retryable: true })
    assert.equal(decided, 5)
  })

  test('does not repeat what failed for another reason', async () => {
    const { lookup } = setup()
    let times = 0
    const failing = lookup.use(ARN, ({ store }) =>
      store(async () => {
        times++
        throw new Error('no redis')
      }),
    )
    await assert.rejects(failing, { message: 'no redis' })
    assert.equal(times, 1)
  })
})

suite('forget()', () => {
  test('resolves when what was being stored by an earlier read has ended, however it ended', async () => {
    const { lookup, clock } = setup()
    const [first, second, third] = [startWrite(lookup), startWrite(lookup), startWrite(lookup)]
    await first.begun
    // The read that the first three share is too old for the fourth.
    clock.advance(1000)
    const fourth = startWrite(lookup)
    await fourth.begun
    const forgotten = watch(lookup.forget(ARN))
    const again = watch(lookup.forget(ARN))
    for (const [one, end] of [
      [first, 'resolve'],
      [second, 'reject'],
      [fourth, 'resolve'],
    ] as const) {
      one[end]()
      await one.ended
      assert.deepEqual([forgotten.done, again.done], [false, false])
    }
    third.reject()
    await Promise.all([forgotten.promise, again.promise])
  })

  test('waits neither for other topics nor for what began after it', async () => {
    const { lookup } = setup()
    const other = startWrite(lookup, OTHER)
    await other.begun
    const before = startWrite(lookup)
    await before.begun
    const forgotten = lookup.forget(ARN)
    const after = startWrite(lookup)
    await after.begun
    before.resolve()
    await forgotten
    after.resolve()
    other.resolve()
  })
})

type Lookup = ReturnType<typeof createTopicLookup>
type Setup = ReturnType<typeof setup>

function startWrite(lookup: Lookup, arn = ARN) {
  const begun = Promise.withResolvers<void>()
  const end = Promise.withResolvers<void>()
  const ended = lookup
    .use(arn, ({ store }) =>
      store(() => {
        begun.resolve()
        return end.promise
      }),
    )
    .catch(() => undefined)
  return { begun: begun.promise, ended, resolve: () => end.resolve(), reject: () => end.reject(new Error('failed')) }
}

function watch(promise: Promise<void>) {
  const watched = { promise, done: false }
  void promise.then(() => {
    watched.done = true
  })
  return watched
}

function topic(attributes: Topic['attributes']): Topic {
  return { arn: ARN, incarnation: '0'.repeat(32), owner: '000000000000', createdAt: 0, attributes }
}

function setup({ capacity = 10 }: { capacity?: number } = {}) {
  const stored = new Map([
    [ARN, topic({})],
    [OTHER, topic({})],
  ])
  const reads: string[] = []
  const known: (Topic | undefined)[] = []
  const events: string[] = []
  const fail = { next: false }
  const clock = createFakeClock()
  const standing = { listening: true, known: true }
  const catalog: Pick<Catalog, 'readTopic'> = {
    async readTopic(arn, before) {
      reads.push(arn)
      known.push(before)
      events.push(`read ${arn}`)
      // The state at the time of the call, as a reply under way would have it.
      const found = stored.get(arn)
      await Promise.resolve()
      if (fail.next) {
        fail.next = false
        throw new Error('gone')
      }
      return found && { topic: found, version: 'v' }
    },
  }
  const lookup = createTopicLookup({
    catalog,
    clock,
    capacity,
    standing: {
      isListening: () => standing.listening,
      isKnown: () => standing.known,
      async makeKnown() {
        await Promise.resolve()
        standing.known = true
        events.push('made known')
      },
    },
  })
  return { stored, reads, known, events, fail, clock, standing, lookup }
}
