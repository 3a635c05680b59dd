import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { type CpuProfile, selfTimes, totalTimes } from './profile.ts'

suite('selfTimes()', () => {
  test('sums samples by function, leaves idle time out, longest first', () => {
    assert.deepEqual(selfTimes(setup()), [
      { name: 'update  node:crypto:10', ms: 4, share: 0.5 },
      { name: 'seal  shared/envelope/seal.ts:10', ms: 3, share: 0.375 },
      { name: 'publish  services/gateway/publish.ts:10', ms: 1, share: 0.125 },
    ])
  })
})

suite('totalTimes()', () => {
  test('counts what a function of ours calls, and one that calls itself once', () => {
    assert.deepEqual(totalTimes(setup()), [
      { name: 'publish  services/gateway/publish.ts:10', ms: 8, share: 1 },
      { name: 'seal  shared/envelope/seal.ts:10', ms: 7, share: 0.875 },
    ])
  })
})

function setup(): CpuProfile {
  const frame = (functionName: string, url = '') => ({ functionName, url, lineNumber: 9 })
  return {
    nodes: [
      { id: 1, callFrame: frame('(root)'), children: [2, 3] },
      { id: 2, callFrame: frame('(idle)') },
      { id: 3, callFrame: frame('publish', 'file:///anywhere/services/gateway/publish.ts'), children: [4] },
      { id: 4, callFrame: frame('seal', 'file:///anywhere/shared/envelope/seal.ts'), children: [5, 6] },
      { id: 5, callFrame: frame('seal', 'file:///anywhere/shared/envelope/seal.ts') },
      { id: 6, callFrame: frame('update', 'node:crypto') },
    ],
    samples: [2, 3, 4, 5, 6],
    timeDeltas: [50_000, 1000, 2000, 1000, 4000],
  }
}
