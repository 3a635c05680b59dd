import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { isExpired } from './pending.ts'

const THREE_DAYS_MS = 259_200_000

suite('isExpired()', () => {
  test('holds for a pending subscription from three days after it was made', () => {
    const pending = { state: 'pending', createdAt: 1_000 } as const
    assert.equal(isExpired(pending, 1_000 + THREE_DAYS_MS - 1), false)
    assert.equal(isExpired(pending, 1_000 + THREE_DAYS_MS), true)
  })

  test('counts from the last Subscribe', () => {
    const renewed = { state: 'pending', createdAt: 1_000, pendingSince: 2_000 } as const
    assert.equal(isExpired(renewed, 2_000 + THREE_DAYS_MS - 1), false)
    assert.equal(isExpired(renewed, 2_000 + THREE_DAYS_MS), true)
  })

  test('never holds for one that was confirmed or unsubscribed', () => {
    for (const state of ['confirmed', 'deleted'] as const) {
      assert.equal(isExpired({ state, createdAt: 0, pendingSince: 0 }, Number.MAX_SAFE_INTEGER), false)
    }
  })
})
