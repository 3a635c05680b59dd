import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { AUTHORIZATION } from '#shared/topic-access'
import { sns } from './actions/table.ts'

suite('AUTHORIZATION', () => {
  test('has a line for each action of SNS, and for nothing else', () => {
    assert.deepEqual(Object.keys(AUTHORIZATION).sort(), [...sns.actions.keys()].sort())
  })

  test('asks for the permission of the same name, except for a batch', () => {
    const others = Object.entries(AUTHORIZATION).filter(([action, { permission }]) => action !== permission)
    assert.deepEqual(others, [['PublishBatch', { permission: 'Publish', by: 'topic' }]])
  })
})
