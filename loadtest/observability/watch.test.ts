import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { causeOf } from './watch.ts'

const fault = (name: string, feeds: readonly string[]) => ({ name, feeds, alerts: [] })

suite('causeOf()', () => {
  test('names the faults that say they feed an expression, all where none does, and none where nothing is wrong', () => {
    const faults = [fault('a full Redis', ['redis_memory']), fault('a hanging endpoint', ['backlog', 'slowest'])]
    assert.equal(causeOf('max(sealcast_backlogs)', faults), 'a hanging endpoint')
    assert.equal(causeOf('sealcast_kms_ratio', faults), 'a full Redis, a hanging endpoint')
    assert.equal(causeOf('max(sealcast_backlogs)', []), undefined)
  })
})
