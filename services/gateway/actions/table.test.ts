import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { AUTHORIZATION } from '#shared/topic-access'
import { sns } from './table.ts'

suite('actions of SNS and AUTHORIZATION', () => {
  test('name the same actions', () => {
    assert.deepEqual(Object.keys(AUTHORIZATION).sort(), [...sns.actions.keys()].sort())
  })

  test('name permissions as actions, except for a batch', () => {
    const others = Object.entries(AUTHORIZATION).filter(([action, { permission }]) => action !== permission)
    assert.deepEqual(others, [['PublishBatch', { permission: 'Publish', by: 'topic' }]])
  })
})
