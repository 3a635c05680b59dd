/** Every row, in the order of the table. */

import { decide } from './decide.ts'
import { kmsCalls } from './kms-calls.ts'
import { latency } from './latency.ts'
import { many } from './many.ts'
import { publish } from './publish.ts'
import { publishBatch } from './publish-batch.ts'
import { rawDelivery } from './raw-delivery.ts'
import type { Row } from './row.ts'
import { seal } from './seal.ts'
import { sealed } from './sealed.ts'
import { signedDelivery } from './signed-delivery.ts'

export const ROWS: readonly Row[] = [
  publish,
  publishBatch,
  sealed,
  seal,
  decide,
  rawDelivery,
  signedDelivery,
  latency,
  kmsCalls,
  many,
]
