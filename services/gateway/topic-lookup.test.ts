import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Catalog, Topic } from '#shared/catalog'
import { createFakeClock } from '#shared/clock'
import { createTopicLookup } from './topic-lookup.ts'

const ARN = 'arn:aws:sns:us-east-1:000000000000:orders'

suite('createTopicLookup()', () => {
  test('reads a topic once a second, however many ask', async () => {
    const { lookup, reads, clock } = setup()
    await Promise.all([lookup.get(ARN), lookup.get(ARN), lookup.get(ARN)])
    assert.equal(reads.length, 1)
    clock.advance(999)
    await lookup.get(ARN)
    assert.equal(reads.length, 1)
    clock.advance(1)
    await lookup.get(ARN)
    assert.equal(reads.length, 2)
  })

  test('reads again after a change, even while an earlier read is under way', async () => {
    const { lookup, stored } = setup()
    const before = lookup.get(ARN)
    stored.set(ARN, topic({ kmsMasterKeyId: 'alias/a' }))
    lookup.forget(ARN)
    const after = await lookup.get(ARN)
    assert.equal(after.attributes.kmsMasterKeyId, 'alias/a')
    await before
    assert.equal((await lookup.get(ARN)).attributes.kmsMasterKeyId, 'alias/a')
  })

  test('remembers neither an absence nor a failure', async () => {
    const { lookup, stored, reads, fail } = setup()
    stored.delete(ARN)
    await assert.rejects(lookup.get(ARN), { code: 'NOT_FOUND' })
    stored.set(ARN, topic({}))
    await lookup.get(ARN)
    lookup.forget(ARN)
    fail.next = true
    await assert.rejects(lookup.get(ARN), { message: 'gone' })
    await lookup.get(ARN)
    assert.equal(reads.length, 4)
  })

  test('does not trust an entry from the future when the clock was set back', async () => {
    const { lookup, reads, clock } = setup()
    await lookup.get(ARN)
    clock.advance(-60_000)
    await lookup.get(ARN)
    assert.equal(reads.length, 2)
  })
})

function topic(attributes: Topic['attributes']): Topic {
  return { arn: ARN, incarnation: '0'.repeat(32), owner: '000000000000', createdAt: 0, attributes }
}

function setup() {
  const stored = new Map([[ARN, topic({})]])
  const reads: string[] = []
  const fail = { next: false }
  const clock = createFakeClock()
  const catalog: Pick<Catalog, 'readTopic'> = {
    async readTopic(arn) {
      reads.push(arn)
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
  return { stored, reads, fail, clock, lookup: createTopicLookup({ catalog, clock }) }
}
