/** Our envelope against the AWS Encryption SDK for JavaScript, both with a data key at hand. */

import { type Helper, startHelper } from '../harness/helper.ts'
import { startMeter } from '../harness/process-usage.ts'
import { alternate, type Side } from '../harness/rounds.ts'
import type { SealLoop } from '../processes/seal-loop.ts'
import { type Bench, effortOf, type Row, type RowResult } from './row.ts'

export const seal: Row = {
  name: 'seal',
  what: 'seal 1 KiB: nonce, AAD, AES-256-GCM, as a publish does',
  against: 'AWS Encryption SDK with a materials cache',
  run,
}

/** Messages the SDK is given at once: the faster of these is the baseline. */
const AT_ONCE = [1, 16] as const

async function run(bench: Bench): Promise<RowResult> {
  // Both with as much memory for young objects as a gateway has.
  await using loop = await startHelper<SealLoop>('seal-loop', {}, ['--max-semi-space-size=32'])
  const seconds = bench.quick ? 0.5 : 2
  const rates: number[] = []
  for (const atOnce of AT_ONCE) rates.push(await loop.call('aws', { seconds: seconds / 2, atOnce }))
  const atOnce = (rates[0] ?? 0) > (rates[1] ?? 0) ? AT_ONCE[0] : AT_ONCE[1]
  const compared = await alternate({
    baseline: side('AWS Encryption SDK', loop, () => loop.call('aws', { seconds, atOnce })),
    subject: side('seal()', loop, () => loop.call('ours', { seconds })),
    ...effortOf(bench, { rounds: 3, warmUps: 3 }),
    unit: 'messages',
    progress: bench.progress,
  })
  const opened = await loop.call('open', { seconds })
  return {
    figures: [{ name: 'ratio', value: compared.ratio, unit: '×', better: 'higher', first: 20, aim: 35 }],
    measured: [compared.baseline, compared.subject],
    notes: [
      compared.warmUp,

      `The SDK encrypts ${atOnce} at once, with the committed suite without signatures; ` +
        `${AT_ONCE.map((each, index) => `${each} at once: ${Math.round(rates[index] ?? 0)}/s`).join(', ')}.`,
      `open() of the same envelopes: ${Math.round(opened)}/s.`,
    ],
    problems: compared.problems,
  }
}

function side(name: string, loop: Helper<SealLoop>, work: () => Promise<number>): Side {
  return {
    name,
    async run() {
      const meter = startMeter([['loop', loop.pid]])
      const perSecond = await work()
      return { perSecond, usages: meter.stop(), problems: [] }
    },
  }
}
