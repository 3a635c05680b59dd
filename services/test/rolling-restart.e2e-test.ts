/** Two gateways and two workers are replaced under load, and neither publishers nor subscribers notice. */

import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { readMetrics, trustStack } from './messaging.ts'
import { describeRolling, isPauseShort, runRollingRestart } from './rolling-restart.ts'
import { readPids, startStack } from './start-stack.ts'

suite('a rolling restart of 2 gateways and 2 workers', () => {
  test('under load gives publishers no error and pauses no delivery for 2 s', async (t) => {
    await using stack = await startStack({ env: { SEALCAST_GATEWAYS: '2', SEALCAST_WORKERS: '2' } })
    trustStack(stack)
    const names = ['delivery', 'delivery-2', 'gateway', 'gateway-2', 'kms', 'redis']
    assert.deepEqual(Object.keys(readPids(stack.home)).toSorted(), names)
    assert.equal((await readMetrics(stack)).length, 5)
    const before = readPids(stack.home)

    const result = await runRollingRestart(stack, { perSecond: 100, topics: 4, processes: 4, times: 1 })
    t.diagnostic(describeRolling(result))
    assert.deepEqual(result.errors, [])
    assert.deepEqual(result.lost, [])
    assert.ok(isPauseShort(result))

    assert.equal((await readMetrics(stack)).length, 5)
    const after = readPids(stack.home)
    assert.deepEqual(Object.keys(after).toSorted(), names)
    for (const name of names) assert.equal(after[name] === before[name], name === 'kms' || name === 'redis', name)
  })
})
