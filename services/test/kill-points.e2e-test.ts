/** kill -9 of the worker exactly before and after the scripts that move a message; `npm run chaos` does it a hundred times. */

import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { killPointOf } from './kill-points.ts'
import { startKillStage } from './kill-rounds.ts'

/** One of each script, every other one after it was carried out. */
const SEEDS = Array.from({ length: 8 }, (_, script) => 1_000 + 2 * script + (script % 2))

suite('kill -9 of the worker between claim and settlement', () => {
  test('loses no acknowledged message, and leaves nothing in Redis', async (t) => {
    await using stage = await startKillStage()
    for (const seed of SEEDS) {
      const { when, script, nth } = killPointOf(seed)
      const { acknowledged, delivered, duplicates, lost, ms } = await stage.round(seed)
      t.diagnostic(
        `seed ${seed}, ${when} ${script} ${nth}: acknowledged ${acknowledged}, delivered ${delivered} to 3 subscribers, ` +
          `duplicates ${duplicates}, lost ${lost.length} (${(ms / 1000).toFixed(1)} s)`,
      )
      assert.deepEqual(lost, [])
      assert.equal(delivered, 3 * acknowledged)
    }
  })
})
