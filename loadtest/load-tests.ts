/** The sub-commands of `npm run loadtest`, in the order of its help. */

import { kms } from './kms/kms.ts'
import type { LoadTest } from './load-test.ts'
import { publish } from './throughput/publish.ts'

export const LOAD_TESTS: readonly LoadTest[] = [kms, publish]
