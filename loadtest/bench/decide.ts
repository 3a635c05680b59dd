/** Decisions by policies on one core, none of them cached, over the rate that is promised. */

import { startHelper } from '../harness/helper.ts'
import { startMeter } from '../harness/process-usage.ts'
import type { Round } from '../harness/rounds.ts'
import { median } from '../harness/statistics.ts'
import type { DecideLoop } from '../processes/decide-loop.ts'
import type { Bench, Row, RowResult } from './row.ts'

export const decide: Row = {
  name: 'decide',
  what: 'uncached decisions on one core, 10 statements with conditions, both accounts asked',
  against: '100,000 a second',
  run,
}

const PROMISED_PER_SECOND = 100_000

async function run(bench: Bench): Promise<RowResult> {
  await using loop = await startHelper<DecideLoop>('decide-loop')
  const seconds = bench.quick ? 0.5 : 2
  await loop.call('decide', { seconds: seconds / 2 })
  const rounds: Round[] = []
  for (let round = 1; round <= (bench.quick ? 1 : 3); round++) {
    const meter = startMeter([['loop', loop.pid]])
    const perSecond = await loop.call('decide', { seconds })
    rounds.push({ perSecond, usages: meter.stop(), problems: [] })
    bench.progress(`round ${round}: ${Math.round(perSecond)} decisions/s`)
  }
  const perSecond = median(rounds.map((round) => round.perSecond))
  const compiled = await loop.call('compile', { seconds: seconds / 2 })
  return {
    figures: [{ name: 'ratio', value: perSecond / PROMISED_PER_SECOND, unit: '×', better: 'higher', first: 1, aim: 3 }],
    measured: [{ name: 'decideByUnion()', unit: 'decisions', perSecond, rounds }],
    notes: [`compilePolicy() of the topic's five statements: ${Math.round(compiled)}/s.`],
    problems: [],
  }
}
