import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { createCircuitBreaker, type Permit } from './circuit-breaker.ts'

const SETTINGS = { threshold: 3, pauseMs: 100, maxPauseMs: 350 }

suite('createCircuitBreaker()', () => {
  test('opens after failures in a row, and not when a success falls between', () => {
    const { breaker, admit } = setup()
    admit(0).failed(0)
    admit(0).failed(0)
    admit(0).succeeded()
    admit(0).failed(0)
    admit(0).failed(0)
    assert.equal(breaker.state, 'closed')
    admit(0).failed(0)
    assert.equal(breaker.state, 'open')
  })

  test('admits nobody until its pause is over, and then one alone', () => {
    const { breaker } = opened()
    assert.equal(breaker.admit(99), undefined)
    assert.ok(breaker.admit(100))
    assert.equal(breaker.state, 'half-open')
    assert.equal(breaker.admit(100), undefined)
    assert.equal(breaker.admit(1_000_000), undefined)
  })

  test('does not pause for longer when the clock was set back', () => {
    const { breaker, openAt } = setup()
    openAt(3_600_000)
    assert.equal(breaker.admit(3_600_000), undefined)
    assert.ok(breaker.admit(0))
  })

  test('closes with a probe that succeeds', () => {
    const { breaker, admit } = opened()
    admit(100).succeeded()
    assert.equal(breaker.state, 'closed')
    for (let n = 0; n < 5; n++) admit(100)
  })

  test('waits twice as long after each failed probe, up to the longest pause, and starts anew once closed', () => {
    const { breaker, admit, openAt } = opened()
    let now = 100
    for (const pause of [200, 350, 350]) {
      admit(now).failed(now)
      assert.equal(breaker.admit(now + pause - 1), undefined, `pause of ${pause}`)
      now += pause
    }
    admit(now).succeeded()
    openAt(now)
    assert.equal(breaker.admit(now + 99), undefined)
    assert.ok(breaker.admit(now + 100))
  })

  test('lets another probe when one came to nothing', () => {
    const { breaker, admit } = opened()
    admit(100).abandoned()
    assert.ok(breaker.admit(100))
    assert.equal(breaker.admit(100), undefined)
  })

  test('takes no report from before it opened: neither to close nor to prolong', () => {
    const { breaker, admit, openAt } = setup()
    const early = [admit(0), admit(0), admit(0)]
    openAt(0)
    early[0]?.succeeded()
    assert.equal(breaker.state, 'open')
    early[1]?.failed(90)
    early[2]?.abandoned()
    assert.ok(breaker.admit(100), 'the pause is as long as it was')
    early[0]?.succeeded()
    assert.equal(breaker.state, 'half-open')
  })

  test('counts a report once', () => {
    const { breaker, admit } = opened()
    const probe = admit(100)
    probe.failed(100)
    probe.succeeded()
    assert.equal(breaker.state, 'open')
  })

  test('is closed by whoever found that it works', () => {
    const { breaker } = opened()
    breaker.close()
    assert.equal(breaker.state, 'closed')
  })

  test('never has two probes out, whatever happens in whatever order', () => {
    const step = fc.tuple(fc.constantFrom('admit', 'succeeded', 'failed', 'abandoned'), fc.nat(300), fc.nat(20))
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const { breaker } = setup()
        const underWay: { permit: Permit; isProbe: boolean }[] = []
        let now = 0
        for (const [what, ms, which] of steps) {
          now += ms
          if (what === 'admit') {
            const before = breaker.state
            const permit = breaker.admit(now)
            if (permit) underWay.push({ permit, isProbe: before !== 'closed' })
            else assert.notEqual(before, 'closed')
          } else if (underWay.length > 0) {
            const [one] = underWay.splice(which % underWay.length, 1)
            one?.permit[what as 'failed'](now)
          }
          const probes = underWay.filter(({ isProbe }) => isProbe).length
          if (breaker.state === 'half-open') assert.equal(probes, 1)
          else assert.equal(probes, 0)
        }
      }),
    )
  })
})

function setup() {
  const breaker = createCircuitBreaker(SETTINGS)
  const admit = (now: number): Permit => breaker.admit(now) ?? assert.fail('nobody is admitted')
  const openAt = (now: number) => {
    for (let n = 0; n < SETTINGS.threshold; n++) admit(now).failed(now)
  }
  return { breaker, admit, openAt }
}

function opened() {
  const fixture = setup()
  fixture.openAt(0)
  return fixture
}
