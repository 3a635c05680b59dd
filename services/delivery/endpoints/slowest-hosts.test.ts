import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createFakeClock } from '#shared/clock'
import { createMetrics } from '#shared/metrics'
import { createSlowestHosts } from './slowest-hosts.ts'

suite('createSlowestHosts()', () => {
  test('shows the ten slowest, and no host that was overtaken', async () => {
    const { note, shown } = setup()
    for (let n = 1; n <= 12; n++) note(`host-${n}:8443`, n)
    assert.deepEqual(
      [...(await shown()).keys()].toSorted(),
      Array.from({ length: 10 }, (_, at) => `host-${at + 3}:8443`).toSorted(),
    )
    note('slow.example', 60)
    const hosts = await shown()
    assert.equal(hosts.size, 10)
    assert.equal(hosts.get('slow.example'), 60)
    assert.equal(hosts.has('host-3:8443'), false)
  })

  test('follows the latest attempts, the last ones most', async () => {
    const { note, shown } = setup()
    note('a', 8)
    for (let n = 0; n < 40; n++) note('a', 1)
    const mean = (await shown()).get('a') ?? 0
    assert.ok(mean > 1 && mean < 1.1, `${mean}`)
  })

  test('forgets a host that nothing is sent to any more', async () => {
    const { note, shown, clock } = setup()
    note('a', 1)
    clock.advance(200_000)
    note('b', 2)
    clock.advance(150_000)
    assert.deepEqual([...(await shown()).keys()], ['b'])
    clock.advance(200_000)
    assert.equal((await shown()).size, 0)
  })
})

function setup() {
  const clock = createFakeClock()
  const metrics = createMetrics({ service: 'test' })
  const { note } = createSlowestHosts(metrics, clock)
  return {
    clock,
    note,
    async shown(): Promise<Map<string, number>> {
      const { text } = await metrics.expose()
      const series = text.matchAll(/^sealcast_slowest_endpoint_seconds\{host="([^"]*)"\} (\S+)$/gm)
      return new Map([...series].map(([, host = '', value]) => [host, Number(value)]))
    },
  }
}
