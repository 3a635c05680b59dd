import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { keepSampling } from './index.ts'

suite('keepSampling()', () => {
  test('looks at once and again, one at a time, also after a failure', async () => {
    const failures: unknown[] = []
    const thrice = Promise.withResolvers<void>()
    let looks = 0
    let underWay = 0
    const sampling = keepSampling(
      async () => {
        underWay++
        assert.equal(underWay, 1)
        looks++
        await delay(1)
        underWay--
        if (looks === 3) thrice.resolve()
        if (looks === 1) throw new Error('down')
        return true
      },
      { pauseMs: 0, onFailure: (error) => failures.push(error) },
    )
    assert.equal(looks, 1)
    await thrice.promise
    await sampling[Symbol.asyncDispose]()
    assert.equal(failures.length, 1)
  })

  test('begins no look after it was ended, and waits for the one under way, whose failure is nobody’s', async () => {
    const look = Promise.withResolvers<boolean>()
    let looks = 0
    const sampling = keepSampling(
      () => {
        looks++
        return look.promise
      },
      { pauseMs: 0, onFailure: () => assert.fail('its connection was closed on purpose') },
    )
    let hasEnded = false
    const ended = Promise.resolve(sampling[Symbol.asyncDispose]()).then(() => {
      hasEnded = true
    })
    await delay(5)
    assert.equal(hasEnded, false)
    look.reject(new Error('closed'))
    await ended
    assert.equal(looks, 1)
  })

  test('ends a long pause', async () => {
    const sampling = keepSampling(async () => true, { pauseMs: 600_000, onFailure: () => assert.fail() })
    await delay(1)
    await sampling[Symbol.asyncDispose]()
  })

  test('pauses for twenty times what a look took', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const looks: number[] = []
    const sampling = keepSampling(
      async () => {
        looks.push(looks.length)
        const until = performance.now() + 20
        while (performance.now() < until);
        return true
      },
      { pauseMs: 10, onFailure: () => assert.fail() },
    )
    await settled()
    t.mock.timers.tick(390)
    await settled()
    assert.equal(looks.length, 1)
    t.mock.timers.tick(600_000)
    await settled()
    assert.equal(looks.length, 2)
    await sampling[Symbol.asyncDispose]()
  })

  test('looks again soon where nobody answered, however long it waited for that', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    let looks = 0
    const sampling = keepSampling(
      async () => {
        looks++
        const until = performance.now() + 20
        while (performance.now() < until);
        return false
      },
      { pauseMs: 10, onFailure: () => assert.fail() },
    )
    await settled()
    t.mock.timers.tick(10)
    await settled()
    assert.equal(looks, 2)
    await sampling[Symbol.asyncDispose]()
  })
})

function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
