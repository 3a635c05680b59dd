import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { suite, type TestContext, test } from 'node:test'
import { listenForStopSignals } from './stop-signals.ts'

suite('listenForStopSignals()', () => {
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP', 'disconnect']) {
    test(`stops on ${name}`, (t) => {
      const { source, signals } = setup(t)
      source.emit(name)
      assert.deepEqual([signals.stop.aborted, signals.hurry.aborted], [true, false])
    })
  }

  test('takes signals within a second as one, since Ctrl-C arrives several times', (t) => {
    const { source, signals, at } = setup(t)
    source.emit('SIGINT')
    at(999)
    source.emit('SIGINT')
    source.emit('SIGTERM')
    assert.equal(signals.hurry.aborted, false)
  })

  test('passes each SIGUSR2 on as a request to restart, which stops nothing', (t) => {
    const { source, signals } = setup(t)
    let requests = 0
    source.emit('SIGUSR2')
    signals.onRestart(() => void requests++)
    source.emit('SIGUSR2')
    source.emit('SIGUSR2')
    assert.equal(requests, 2)
    assert.equal(signals.stop.aborted, false)
  })

  test('hurries at a later one', (t) => {
    const { source, signals, at } = setup(t)
    source.emit('SIGINT')
    at(1_000)
    source.emit('SIGINT')
    assert.equal(signals.hurry.aborted, true)
  })
})

function setup(t: TestContext) {
  let now = 0
  t.mock.method(performance, 'now', () => now)
  const source = new EventEmitter()
  const at = (ms: number) => {
    now = ms
  }
  return { source, signals: listenForStopSignals(source), at }
}
