import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createFakeClock } from '#shared/clock'
import { createEndpoints } from './endpoints.ts'

suite('createEndpoints()', () => {
  test('forgets what is like new first, then what was asked for longest ago, also when it failed', () => {
    const endpoints = setup({ capacity: 4 })
    const [failedLongAgo, failed] = ['failed-long-ago', 'failed'].map((id) => {
      endpoints.of(id).tryEnter()?.leave('refused')
      return endpoints.of(id)
    })
    const healthy = endpoints.of('healthy')
    const used = endpoints.of('used')
    used.tryEnter()
    endpoints.of('one more')
    assert.equal(endpoints.of('used'), used)
    assert.equal(endpoints.of('failed'), failed)
    assert.notEqual(endpoints.of('healthy'), healthy)
    assert.notEqual(endpoints.of('failed-long-ago'), failedLongAgo)
  })

  test('keeps what is in use, however many they are', () => {
    const endpoints = setup({ capacity: 4 })
    const used = Array.from({ length: 50 }, (_, n) => {
      const endpoint = endpoints.of(`s${n}`)
      endpoint.tryEnter()
      return endpoint
    })
    for (const [n, endpoint] of used.entries()) assert.equal(endpoints.of(`s${n}`), endpoint)
  })

  test('remembers no more than its capacity of endpoints that failed once and are gone', () => {
    const endpoints = setup({ capacity: 10 })
    for (let n = 0; n < 1_000; n++) {
      for (let times = 0; times < 16; times++) endpoints.of(`s${n}`).tryEnter()?.leave('refused')
    }
    assert.ok(endpoints.countUnhealthy() <= 10, `${endpoints.countUnhealthy()} remembered`)
  })
})

function setup({ capacity }: { capacity: number }) {
  return createEndpoints({ clock: createFakeClock(), retrySecondMs: 1_000, capacity })
}
