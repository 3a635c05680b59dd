import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { selfTimes } from './profile.ts'

suite('selfTimes()', () => {
  test('sums samples by function, leaves idle time out, longest first', () => {
    const frame = (functionName: string, url = '') => ({ functionName, url, lineNumber: 9 })
    const times = selfTimes({
      nodes: [
        { id: 1, callFrame: frame('(idle)') },
        { id: 2, callFrame: frame('seal', 'file:///anywhere/shared/envelope/seal.ts') },
        { id: 3, callFrame: frame('', 'node:net') },
        { id: 4, callFrame: frame('seal', 'file:///anywhere/shared/envelope/seal.ts') },
      ],
      samples: [1, 2, 3, 4],
      timeDeltas: [50_000, 2000, 1000, 1000],
    })
    assert.deepEqual(times, [
      { name: 'seal  shared/envelope/seal.ts:10', ms: 3, share: 0.75 },
      { name: '(anonymous)  node:net:10', ms: 1, share: 0.25 },
    ])
  })
})
