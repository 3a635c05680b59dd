import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createFakeClock } from '#shared/clock'
import { createMetrics } from '#shared/metrics'
import { MAX_KEY_LABELS } from '../limits.ts'
import { createHeldGauges } from './held-gauges.ts'

suite('createHeldGauges()', () => {
  test('sums the partitions of a key, and tells the age of the oldest', async () => {
    const { gauges, clock, lines } = setup()
    gauges.heldMessages('k', { partition: 0, count: 3 })
    clock.advance(5_000)
    gauges.heldMessages('k', { partition: 1, count: 4 })
    gauges.heldMessages('k', { partition: 0, count: 2 })
    gauges.refresh()
    assert.deepEqual(await lines(), ['sealcast_held_messages{key="k"} 6', 'sealcast_held_seconds{key="k"} 5'])
    gauges.heldMessages('k', { partition: 0, count: 0 })
    gauges.refresh()
    assert.deepEqual(await lines(), ['sealcast_held_messages{key="k"} 4', 'sealcast_held_seconds{key="k"} 0'])
    clock.advance(1_000)
    gauges.heldMessages('k', { partition: 1, count: 0 })
    assert.deepEqual(await lines(), ['sealcast_held_messages{key="k"} 0', 'sealcast_held_seconds{key="k"} 0'])
  })

  test('gives the first keys a label of their own, and all others one', async () => {
    const { gauges, lines } = setup()
    for (let n = 0; n < MAX_KEY_LABELS + 1_000; n++) gauges.heldMessages(`k${n}`, { partition: 0, count: 1 })
    gauges.refresh()
    const shown = await lines()
    assert.equal(shown.length, 2 * (MAX_KEY_LABELS + 1))
    assert.ok(shown.includes('sealcast_held_messages{key="other"} 1000'))
    assert.ok(shown.includes('sealcast_held_messages{key="k0"} 1'))
  })
})

function setup() {
  const clock = createFakeClock()
  const metrics = createMetrics({ service: 'test' })
  return {
    clock,
    gauges: createHeldGauges(metrics, clock),
    async lines() {
      const { text } = await metrics.expose()
      return text.split('\n').filter((line) => line.startsWith('sealcast_held'))
    },
  }
}
