import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createFakeClock } from '#shared/clock'
import { createPresence } from './presence.ts'

const TTL_MS = 600_000
const MARGIN_MS = 2_500

suite('createPresence()', () => {
  test('is known from a beat on until so long before its end as an append may take', async () => {
    using t = setup()
    assert.equal(t.presence.isKnown(), false)
    await t.presence.makeKnown()
    t.clock.advance(TTL_MS - MARGIN_MS - 1)
    assert.equal(t.presence.isKnown(), true)
    t.clock.advance(1)
    assert.equal(t.presence.isKnown(), false)
    await t.presence.makeKnown()
    assert.equal(t.presence.isKnown(), true)
  })

  test('counts from before the beat, whose answer may be slow', async () => {
    using t = setup({ onBeat: () => t.clock.advance(TTL_MS - MARGIN_MS) })
    await t.presence.makeKnown()
    assert.equal(t.presence.isKnown(), false)
  })

  test('has all forgotten that was read before a time in which it was not known', async () => {
    using t = setup()
    await t.presence.makeKnown()
    assert.equal(t.lapses(), 1)
    await t.presence.makeKnown()
    assert.equal(t.lapses(), 1)
    t.clock.advance(TTL_MS)
    await t.presence.makeKnown()
    assert.equal(t.lapses(), 2)
  })

  test('is not known after a doubt, not even by a beat that was under way', async () => {
    using t = setup()
    await t.presence.makeKnown()
    const beating = t.presence.makeKnown()
    t.presence.doubt()
    assert.equal(t.lapses(), 2)
    await beating
    assert.equal(t.presence.isKnown(), false)
    await t.presence.makeKnown()
    assert.equal(t.presence.isKnown(), true)
  })

  test('is not known when a beat fails or the clock is set back', async () => {
    using t = setup()
    t.fail.next = true
    await assert.rejects(t.presence.makeKnown(), { message: 'gone' })
    assert.equal(t.presence.isKnown(), false)
    await t.presence.makeKnown()
    t.clock.advance(-1)
    assert.equal(t.presence.isKnown(), false)
  })
})

function setup({ onBeat = () => undefined as unknown }: { onBeat?: () => unknown } = {}) {
  const clock = createFakeClock()
  const fail = { next: false }
  let lapses = 0
  const presence = createPresence({
    clock,
    ttlMs: TTL_MS,
    marginMs: MARGIN_MS,
    onLapse: () => void lapses++,
    async beat() {
      await Promise.resolve()
      onBeat()
      if (!fail.next) return
      fail.next = false
      throw new Error('gone')
    },
  })
  return { clock, fail, presence, lapses: () => lapses, [Symbol.dispose]: presence.stop }
}
