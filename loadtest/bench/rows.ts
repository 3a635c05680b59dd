/** Every row, in the order of the table. */

import { publish } from './publish.ts'
import type { Row } from './row.ts'
import { sealed } from './sealed.ts'

export const ROWS: readonly Row[] = [publish, sealed]
