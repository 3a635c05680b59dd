import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import type { Log } from '#shared/log'
import { startUpkeep } from './upkeep.ts'

suite('startUpkeep()', () => {
  test('does what is due before it returns, and says what', async (t) => {
    const { start, events } = setup(t, () => ({ deleted: ['a'], rotated: ['b'] }))
    await using _upkeep = await start()
    assert.deepEqual(events, ['key.rotated b', 'key.deleted a'])
  })

  test('does it again every minute until it is closed', async (t) => {
    let settled = 0
    const { start } = setup(t, () => {
      settled++
      return { deleted: [], rotated: [] }
    })
    {
      await using _upkeep = await start()
      for (let minute = 0; minute < 3; minute++) t.mock.timers.tick(60_000)
    }
    t.mock.timers.tick(600_000)
    assert.equal(settled, 4)
  })

  test('logs what fails and tries again', async (t) => {
    let isBroken = true
    const { start, events } = setup(t, () => {
      if (isBroken) throw new Error('no room')
      return { deleted: ['a'], rotated: [] }
    })
    {
      await using _upkeep = await start()
      isBroken = false
      t.mock.timers.tick(60_000)
    }
    assert.deepEqual(events, ['upkeep.failed', 'key.deleted a'])
  })
})

function setup(t: TestContext, settle: () => { deleted: readonly string[]; rotated: readonly string[] }) {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const events: string[] = []
  const note = (event: string, fields: { keyArn?: unknown } = {}) => {
    events.push(fields.keyArn === undefined ? event : `${event} ${fields.keyArn}`)
  }
  const log: Log = { info: note, warn: note, error: note, alarm: note, flush: () => undefined }
  return { start: () => startUpkeep({ keyStore: { settleDue: async () => settle() }, log }), events }
}
