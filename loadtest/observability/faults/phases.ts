/** All that is provoked, in order. What is in one phase does not disturb the rest of it. */

import {
  FLIPPED_BIT,
  FORGED_TOPIC,
  HANGING_ENDPOINT,
  REFUSING_ENDPOINT,
  STOPPED_GATEWAYS,
  STOPPED_WORKERS,
} from './delivery-faults.ts'
import type { Phase } from './fault.ts'
import { LYING_KMS, STALE_PRINCIPALS, UNSCRAPED } from './gateway-faults.ts'
import { DENIED, HELD, MISSES, MORE_CALLS, OUTAGE, THROTTLED } from './kms-faults.ts'
import { FULL, NO_AOF, STOPPED } from './redis-faults.ts'

export const PHASES: readonly Phase[] = [
  {
    name: 'keys, endpoints, gateways and memory',
    faults: [
      REFUSING_ENDPOINT,
      HANGING_ENDPOINT,
      HELD,
      DENIED,
      LYING_KMS,
      UNSCRAPED,

      FULL,
    ],
    withinMs: 110_000,
  },
  { name: 'stored and configured', faults: [FLIPPED_BIT, FORGED_TOPIC, NO_AOF, STALE_PRINCIPALS], withinMs: 45_000 },
  // Before the outage, after which all data keys begin at one moment, and calls come in bursts with nothing between.
  { name: 'more KMS calls', faults: [MORE_CALLS], withinMs: 100_000 },
  { name: 'throttling', faults: [THROTTLED], withinMs: 30_000 },
  { name: 'no KMS', faults: [OUTAGE], withinMs: 45_000 },
  // Workers would find their data keys, and so count among those who do.
  { name: 'no workers', faults: [STOPPED_WORKERS, MISSES], withinMs: 100_000 },
  { name: 'no Redis', faults: [STOPPED], withinMs: 45_000 },
  { name: 'no gateways', faults: [STOPPED_GATEWAYS], withinMs: 30_000 },
]
