import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createTopicTurns } from './topic-turns.ts'

suite('inTurn()', () => {
  test('runs one at a time and in order for one topic, also after a failure', async () => {
    const turns = createTopicTurns()
    const events: string[] = []
    const work =
      (name: string, fails = false) =>
      async () => {
        events.push(`${name} starts`)
        await Promise.resolve()
        events.push(`${name} ends`)
        if (fails) throw new Error(name)
        return name
      }
    const [a, b, c] = await Promise.allSettled([
      turns.inTurn('t', work('a')),
      turns.inTurn('t', work('b', true)),
      turns.inTurn('t', work('c')),
    ])
    assert.deepEqual(events, ['a starts', 'a ends', 'b starts', 'b ends', 'c starts', 'c ends'])
    assert.deepEqual([a.status, b.status, c.status], ['fulfilled', 'rejected', 'fulfilled'])
  })

  test('does not make one topic wait for another', async () => {
    const turns = createTopicTurns()
    const slow = Promise.withResolvers<void>()
    const first = turns.inTurn('slow', () => slow.promise)
    assert.equal(await turns.inTurn('quick', async () => 'done'), 'done')
    slow.resolve()
    await first
  })
})
