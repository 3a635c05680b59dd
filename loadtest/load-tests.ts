/** The sub-commands of `npm run loadtest`, in the order of its help. */

import { kms } from './kms/kms.ts'
import type { LoadTest } from './load-test.ts'
import { deliver } from './throughput/deliver.ts'
import { fanout } from './throughput/fanout.ts'
import { publish } from './throughput/publish.ts'
import { soak } from './throughput/soak.ts'

export const LOAD_TESTS: readonly LoadTest[] = [kms, publish, deliver, fanout, soak]
