import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { describeCase, describeExpected, runCase, shortCases } from './cases.ts'
import { randomOf } from './random-of.ts'

const SEED = Number(process.env.SEALCAST_TEST_SEED ?? 42)

suite('a simulated clock', () => {
  // Some hours; `npm run kms-months` takes whole months.
  for (const each of shortCases({ days: 0.125, random: randomOf(SEED) })) {
    test(`finds as many KMS requests as the formula: ${describeCase(each)}`, async (t) => {
      const { requests, ledgerRequests, messages, problems } = await runCase(each)
      t.diagnostic(
        `seed ${SEED}: ${messages} messages, ${requests} KMS requests, ledger ${ledgerRequests}, expected ${describeExpected(each)}`,
      )
      assert.deepEqual(problems, [])
    })
  }
})
