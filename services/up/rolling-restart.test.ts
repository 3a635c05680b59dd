import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { createProgress } from './progress.ts'
import { createRollingRestart } from './rolling-restart.ts'

suite('createRollingRestart()', () => {
  test('replaces one after another, in order', async () => {
    const { rolling, events, finish } = setup(['a', 'b'])
    rolling.request()
    await turn()
    assert.deepEqual(events, ['begin a'])
    finish('a')
    await turn()
    finish('b')
    await turn()
    assert.deepEqual(events, ['begin a', 'end a', 'begin b', 'end b'])
  })

  test('carries out requests that come meanwhile afterwards, once', async () => {
    const { rolling, events, finish } = setup(['a'])
    for (let request = 0; request < 3; request++) rolling.request()
    await turn()
    finish('a')
    await turn()
    finish('a')
    await turn()
    await turn()
    assert.deepEqual(events, ['begin a', 'end a', 'begin a', 'end a'])
  })

  test('leaves the rest alone when one cannot be replaced, and says why', async () => {
    const { rolling, events, finish, said } = setup(['a', 'b'])
    rolling.request()
    await turn()
    finish('a', new Error('Cannot start a: no'))
    await turn()
    assert.deepEqual(events, ['begin a'])
    assert.match(said(), /a could not be replaced.*Cannot start a: no/)
    rolling.request()
    await turn()
    assert.equal(events.length, 2)
  })

  test('replaces nothing more once the stack is being stopped', async () => {
    const { rolling, events, finish, stop } = setup(['a', 'b'])
    rolling.request()
    rolling.request()
    await turn()
    stop.abort()
    finish('a')
    await turn()
    await turn()
    assert.deepEqual(events, ['begin a', 'end a'])
  })
})

function setup(names: readonly string[]) {
  const events: string[] = []
  const waiting = new Map<string, PromiseWithResolvers<void>>()
  const stop = new AbortController()
  let text = ''
  const slots = names.map((name) => ({
    name,
    async replace() {
      events.push(`begin ${name}`)
      const until = Promise.withResolvers<void>()
      waiting.set(name, until)
      await until.promise
      events.push(`end ${name}`)
    },
  }))
  const progress = createProgress((more) => {
    text += more
  })
  return {
    rolling: createRollingRestart({ slots, progress, stop: stop.signal }),
    events,
    stop,
    said: () => text,
    finish(name: string, error?: Error) {
      if (error === undefined) waiting.get(name)?.resolve()
      else waiting.get(name)?.reject(error)
    },
  }
}
