import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { judgeKey } from './judge-key.ts'
import type { KeyUsage } from './key-usage.ts'

const now = 1_000_000

suite('judgeKey()', () => {
  test('has nothing against a key that nothing needs, what is in quarantine apart', () => {
    assert.deepEqual(judge({}), [])
    assert.deepEqual(judge({ quarantined: 3 }), [])
    assert.deepEqual(judge({ rewrapped: 3, dataKeys: 3 }), [])
  })

  for (const state of ['undelivered', 'retrying', 'backlogged', 'held'] as const) {
    test(`objects while messages are ${state}`, () => {
      assert.deepEqual(judge({ [state]: 2 }), [{ kind: 'needed', messages: 2 }])
    })
  }

  test('objects while a topic is configured with it, though none of its messages wait', () => {
    assert.deepEqual(judge({ topics: ['t'] }), [{ kind: 'configured', topics: ['t'] }])
  })

  test('objects while a gateway may seal under it', () => {
    assert.deepEqual(judge({ sealsUntil: now + 1 }), [{ kind: 'sealing', until: now + 1 }])
    assert.deepEqual(judge({ sealsUntil: now }), [])
  })

  test('objects to every key while it cannot be told which one a topic is configured with', () => {
    const unresolved = [{ topicArn: 't', keyId: 'alias/a', reason: 'KMS_UNAVAILABLE' }]
    assert.deepEqual(judgeKey(usage({}), { unresolved, now }), [{ kind: 'unresolved', topics: ['t'] }])
  })
})

type Some = Partial<KeyUsage & KeyUsage['messages']>

function judge(some: Some) {
  return judgeKey(usage(some), { unresolved: [], now })
}

function usage({ undelivered = 0, retrying = 0, backlogged = 0, held = 0, quarantined = 0, ...rest }: Some): KeyUsage {
  return {
    keyArn: 'k',
    messages: { undelivered, retrying, backlogged, held, quarantined },
    dataKeys: 0,
    oldestAcceptedAt: undefined,
    topics: [],
    sealsUntil: undefined,
    rewrapped: 0,
    ...rest,
  }
}
