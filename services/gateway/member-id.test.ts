import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { countGateways, createProcessId, memberIdOf } from './member-id.ts'

suite('memberIdOf()', () => {
  test('gives each thread of each process an id of the form of members', () => {
    const [one, two] = [createProcessId(), createProcessId()]
    const ids = [memberIdOf(one, 0), memberIdOf(one, 1), memberIdOf(one, 63), memberIdOf(two, 0)]
    assert.equal(new Set(ids).size, ids.length)
    for (const id of ids) assert.match(id, /^[0-9a-f]{32}$/)
  })
})

suite('countGateways()', () => {
  test('counts the threads of a gateway as one', () => {
    const [one, two] = [createProcessId(), createProcessId()]
    assert.equal(countGateways([]), 0)
    assert.equal(countGateways([memberIdOf(one, 0), memberIdOf(one, 1)]), 1)
    assert.equal(countGateways([memberIdOf(one, 0), memberIdOf(two, 0), memberIdOf(one, 1)]), 2)
  })
})
