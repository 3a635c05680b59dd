/** All dashboards, as the files that are committed: built from here alone, so that the same sources give the same bytes. */

import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard'
import { delivery } from './boards/delivery.ts'
import { kms } from './boards/kms.ts'
import { overview } from './boards/overview.ts'
import { redisAndProcesses } from './boards/redis-and-processes.ts'

export interface DashboardFile {
  readonly name: string
  readonly json: string
}

const BOARDS: Readonly<Record<string, () => Dashboard>> = {
  'overview.json': overview,
  'kms.json': kms,
  'delivery.json': delivery,
  'redis-and-processes.json': redisAndProcesses,
}

export function dashboardFiles(): DashboardFile[] {
  return Object.entries(BOARDS).map(([name, build]) => ({ name, json: `${JSON.stringify(build(), null, 2)}\n` }))
}
